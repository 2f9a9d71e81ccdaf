import Checkpoint
import Datasets
import Kernels
import Supernet
import TestSupport
import Testing

@testable import Search

/// Small pictures whose class shows in their brightness, so that a supernet learns them within a few steps.
private func dataset(images: Int, classes: Int = 4) -> ImageDataset {
    let random = Philox(seed: 5, purpose: .synthetic)
    let labels = (0..<images).map { UInt8(random.integer(below: classes, at: $0)) }
    let pixels = labels.enumerated().flatMap { index, label in
        let noise = Philox(seed: 5, purpose: .synthetic, stream: index + 1)
        return (0..<64).map { UInt8(Int(label) * 60 + noise.integer(below: 60, at: $0)) }
    }
    return ImageDataset(
        kind: .fashionMNIST, channels: 1, size: 8, classNames: (0..<classes).map { "\($0)" }, pixels: pixels,
        labels: labels)
}

private let images = dataset(images: 200)

private func configuration(shards: Int = 4, _ change: (inout SearchConfiguration) -> Void = { _ in })
    -> SearchConfiguration
{
    var configuration = SearchConfiguration(
        supernet: SupernetShape(
            space: "nasbench201", channels: 4, cells: 1, classes: 4, inputChannels: 1, imageSize: 8),
        dataset: .fashionMNIST, datasetDigest: images.digest, epochs: 1, batch: 32, shards: shards, seed: 17)
    change(&configuration)
    return configuration
}

/// Applies a half-step that `workers` replicas compute together: each its run, the tree finished outside.
private func step(_ replicas: [Replica], workers: Int, index: Int) throws -> LossSum {
    let plan = replicas[0].plan
    let halfStep = plan.halfStep(index)
    let shards = plan.configuration.shards
    let count = replicas[0].gradientCount(halfStep.kind)
    var partial: [Range<Int>: [Float]] = [:]
    var losses: [LossSum] = []
    for (replica, run) in zip(replicas, SummationTree.runs(shards: shards, workers: workers)) {
        losses += replica.computeShards(run, of: halfStep) { subtree, elements, sum in
            var copy = partial[subtree] ?? [Float](repeating: .nan, count: count)
            for i in elements { copy[i] = sum[i] }
            partial[subtree] = copy
        }
    }
    func finish(_ node: Range<Int>) -> [Float] {
        if let sum = partial[node] { return sum }
        let middle = (node.lowerBound + node.upperBound) / 2
        return zip(finish(node.lowerBound..<middle), finish(middle..<node.upperBound)).map { $0 + $1 }
    }
    let sum = finish(0..<shards)
    for replica in replicas {
        var scratch = sum
        try scratch.withUnsafeMutableBufferPointer {
            try replica.apply(halfStep, gradientSum: $0, losses: losses)
        }
    }
    return LossSum.sum(losses)
}

@Suite("Replica")
struct ReplicaTests {
    @Test(
        "any division of the shards among replicas gives the same bits as one", arguments: [1, 2, 4, 8],
        StepOrder.allCases)
    func division(shards: Int, order: StepOrder) throws {
        let configuration = configuration(shards: shards) { $0.stepOrder = order }
        let alone = try Replica(configuration: configuration, dataset: images)
        let losses = try (0..<4).map { try step([alone], workers: 1, index: $0) }
        for workers in 2...max(2, shards) {
            let replicas = try (0..<workers).map { _ in try Replica(configuration: configuration, dataset: images) }
            for index in 0..<4 {
                let loss = try step(replicas, workers: workers, index: index)
                #expect(loss == losses[index], "\(workers) workers, half-step \(index)")
            }
            for replica in replicas {
                #expect(replica.state == alone.state, "\(workers) workers")
                #expect(replica.stateDigest() == alone.stateDigest())
            }
        }
    }

    @Test("a replica that takes another's state goes on as the other does")
    func stateTransfer() throws {
        let first = try Replica(configuration: configuration(), dataset: images)
        let second = try Replica(configuration: configuration { $0.seed = 17 }, dataset: images)
        for index in 0..<3 { _ = try step([first], workers: 1, index: index) }
        #expect(first.stateDigest() != second.stateDigest())
        second.state = try TrainingState(decoding: first.state.encoded(), shape: configuration().supernet)
        #expect(second.appliedHalfSteps == 3 && first.stateDigest() == second.stateDigest())
        #expect(try step([first], workers: 1, index: 3) == step([second], workers: 1, index: 3))
        #expect(first.state == second.state && first.betas() == second.betas())
    }

    @Test("a sum that is not finite leaves the state as it was", arguments: [Float.nan, .infinity], [true, false])
    func notFinite(value: Float, inLoss: Bool) throws {
        let replica = try Replica(configuration: configuration(), dataset: images)
        for index in 0..<2 {
            let before = replica.state
            let halfStep = replica.plan.halfStep(index)
            var sum = [Float](repeating: 0.01, count: replica.gradientCount(halfStep.kind))
            var losses = [LossSum](repeating: LossSum(loss: 1, correct: 0, images: 8), count: 4)
            if inLoss { losses[3].loss = Double(value) } else { sum[sum.count - 1] = value }
            let error = #expect(throws: SearchError.self) {
                try sum.withUnsafeMutableBufferPointer {
                    try replica.apply(halfStep, gradientSum: $0, losses: losses)
                }
            }
            #expect(error == .nonFinite(halfStep: index))
            #expect(replica.state == before)
            _ = try step([replica], workers: 1, index: index)
        }
    }

    @Test("a half-step that is not the next one, or sums of another size, are refused")
    func wrongHalfStep() throws {
        let replica = try Replica(configuration: configuration(), dataset: images)
        let losses = [LossSum](repeating: LossSum(loss: 1, correct: 0, images: 8), count: 4)
        for (index, count, losses) in [(1, 30, losses), (0, 29, losses), (0, 30, [])] {
            var sum = [Float](repeating: 0, count: count)
            #expect(throws: SearchError.self) {
                try sum.withUnsafeMutableBufferPointer {
                    try replica.apply(replica.plan.halfStep(index), gradientSum: $0, losses: losses)
                }
            }
        }
    }

    @Test("tasks from elsewhere that name what does not exist are refused")
    func foreignTasks() throws {
        let replica = try Replica(configuration: configuration(), dataset: images)
        let mixed = [Int?](repeating: nil, count: 6)
        try replica.validate(StrengthTask(replacement: .init(edge: 5, operation: 4), decided: mixed, shards: 8..<12))
        let wrong = [
            StrengthTask(replacement: .init(edge: 6, operation: 0), decided: mixed, shards: 0..<8),
            StrengthTask(replacement: .init(edge: 0, operation: 5), decided: mixed, shards: 0..<8),
            StrengthTask(replacement: .init(edge: -1, operation: 0), decided: mixed, shards: 0..<8),
            StrengthTask(replacement: nil, decided: [nil], shards: 0..<8),
            StrengthTask(replacement: nil, decided: [nil, nil, nil, nil, nil, 5], shards: 0..<8),
            StrengthTask(replacement: nil, decided: mixed, shards: 0..<13),
            StrengthTask(replacement: nil, decided: mixed, shards: -1..<2),
        ]
        for task in wrong { #expect(throws: SearchError.self) { try replica.validate(task) } }
    }

    @Test("losses of a task do not depend on the tasks before it or on how shards are grouped")
    func evaluation() throws {
        let replica = try Replica(configuration: configuration(), dataset: images)
        let mixed = [Int?](repeating: nil, count: 6)
        var decided = mixed
        decided[0] = 3
        func task(_ shards: Range<Int>, _ decided: [Int?], _ operation: Int?) -> StrengthTask {
            StrengthTask(
                replacement: operation.map { .init(edge: 1, operation: $0) }, decided: decided, shards: shards)
        }
        let whole = replica.evaluate(task(0..<12, decided, 2))
        _ = replica.evaluate(task(3..<4, mixed, 0))
        #expect(replica.evaluate(task(5..<9, decided, 2)) == Array(whole[5..<9]))
        let other = try Replica(configuration: configuration(), dataset: images)
        #expect(other.evaluate(task(11..<12, decided, 2)) == Array(whole[11...]))
        #expect(whole.allSatisfy { $0.images == 8 && $0.loss > 0 })
        #expect(replica.evaluate(task(0..<1, mixed, nil)) != replica.evaluate(task(0..<1, decided, nil)))
    }

    @Test("a data set other than the configuration's is refused")
    func otherDataset() {
        let changes: [(inout SearchConfiguration) -> Void] = [
            { $0.datasetDigest = "0" }, { $0.dataset = .mnist }, { $0.supernet.classes = 5 },
            { $0.supernet.inputChannels = 3 }, { $0.supernet.imageSize = 32 }, { $0.images = 100 },
            { $0.supernet.space = "nasbench301" }, { $0.shards = 0 }, { $0.batch = 0 },
        ]
        for change in changes {
            let error = #expect(throws: SearchError.self) {
                try Replica(configuration: configuration(change), dataset: images)
            }
            if case .configuration = error { continue }
            Issue.record("\(String(describing: error)) is no error of the configuration")
        }
    }
}

@Suite("Local search")
struct LocalSearchTests {
    private struct Observed {
        var epochs: [(training: LossSum, validation: LossSum)] = []
        var halfSteps = 0
        var edges: [Int] = []
        var evaluations: (done: Int, total: Int) = (0, 0)
    }

    private func search(
        _ configuration: SearchConfiguration
    ) throws -> (outcome: SearchOutcome, observed: Observed, replica: Replica) {
        let replica = try Replica(configuration: configuration, dataset: images)
        var observed = Observed()
        let outcome = try LocalSearch.run(configuration: configuration, replica: replica) { event in
            switch event {
            case .halfStepApplied: observed.halfSteps += 1
            case .epochEnded(_, let training, let validation): observed.epochs.append((training, validation))
            case .edgeDecided(let edge, _): observed.edges.append(edge)
            case .evaluationsDone(let done, let total): observed.evaluations = (done, total)
            default: break
            }
        }
        return (outcome, observed, replica)
    }

    @Test("a whole search learns, decides every edge, and gives the same digest again")
    func whole() throws {
        let configuration = configuration {
            $0.epochs = 4
            $0.augment = false
        }
        let (outcome, observed, _) = try search(configuration)
        #expect(observed.halfSteps == 24 && outcome.losses.count == 24 && observed.epochs.count == 4)
        #expect(observed.epochs.allSatisfy { $0.training.images == 96 && $0.validation.images == 96 })
        #expect(observed.epochs[3].training.mean < observed.epochs[0].training.mean * 0.8)
        #expect(observed.edges == [0, 1, 2, 3, 4, 5])
        #expect(outcome.selection.rows.count == 30 && outcome.selection.images == 96)
        #expect(observed.evaluations.done <= observed.evaluations.total && observed.evaluations.total == 12 * 31)
        #expect(outcome.digest.count == 64)
        #expect(try search(configuration).outcome == outcome)
        #expect(try search(configuration).outcome.digest == outcome.digest)
    }

    @Test("the full table chooses the same cell, and has a strength in every row")
    func fullTable() throws {
        let pruned = try search(configuration()).outcome
        let full = try search(configuration { $0.selection.fullTable = true }).outcome
        #expect(full.selection.operations == pruned.selection.operations && full.state == pruned.state)
        #expect(full.selection.rows.allSatisfy { $0.complete && $0.strength != nil })
    }

    @Test("a selection alone gives what the selection of the search gave")
    func selectionAlone() throws {
        let (outcome, _, replica) = try search(configuration())
        let other = try Replica(configuration: configuration { $0.epochs = 0 }, dataset: images)
        other.state = replica.state
        #expect(try LocalSearch.select(replica: other) { _ in }.selection == outcome.selection)
    }

    @Test("no epochs and one shard are possible", arguments: [0, 1])
    func edgeCases(epochs: Int) throws {
        let outcome = try search(
            configuration(shards: 1) {
                $0.epochs = epochs
                $0.selection.images = 32
            }
        ).outcome
        #expect(outcome.losses.count == 6 * epochs && outcome.selection.images == 32)
    }

    /// What a search wanted to be kept, in order. Used by one thread.
    private final class Kept: @unchecked Sendable {
        var states: [SearchState] = []
    }

    @Test(
        "a search goes on from every checkpoint, in training and in the selection, to the same outcome and events",
        arguments: ["nasbench201", "darts"])
    func resumption(space: String) throws {
        let configuration = configuration(shards: 2) {
            $0.supernet.space = space
            if space == "darts" { ($0.supernet.channels, $0.supernet.cells) = (2, 3) }
            $0.selection.images = 32
        }
        let kept = Kept()
        func run(from beginning: SearchState?, keeping: LocalSearch.Keeping?) throws -> (SearchOutcome, [String]) {
            var decisions: [String] = []
            let outcome = try LocalSearch.run(
                configuration: configuration, replica: try Replica(configuration: configuration, dataset: images),
                from: beginning, keeping: keeping
            ) { event in
                switch event {
                case .edgeDecided, .edgesKept: decisions.append("\(event)")
                default: break
                }
            }
            return (outcome, decisions)
        }
        let (outcome, decisions) = try run(
            from: nil, keeping: .init(interval: 4, save: { state in kept.states.append(state) }))
        let nodes = space == "darts" ? 6 : 0
        #expect(decisions.count == outcome.selection.operations.count + nodes)
        let last = try #require(kept.states.last)
        #expect(last.evaluations.contains { $0.task.replacement?.operation == StrengthTask.leftOut } == (nodes > 0))
        // Some of them, and the last few, which are in the choice of edges where there is one.
        for (number, state) in kept.states.enumerated() where number % 6 == 0 || number >= kept.states.count - 3 {
            let folder = try TemporaryFolder()
            let checkpoints = CheckpointFolder(run: folder.path, configurationDigest: "c0ffee", version: "0")
            _ = try checkpoints.save(state)
            let found = try #require(try checkpoints.newest()).state
            #expect(found == state)
            let again = try run(from: found, keeping: nil)
            #expect(again.0 == outcome && again.0.digest == outcome.digest, "checkpoint \(number)")
            #expect(again.1 == decisions, "checkpoint \(number)")
        }
    }

    @Test("a replica of another configuration, or one that has trained, is refused")
    func wrongReplica() throws {
        let (_, _, replica) = try search(configuration())
        #expect(throws: SearchError.self) {
            try LocalSearch.run(configuration: configuration(), replica: replica) { _ in }
        }
        #expect(throws: SearchError.self) {
            try LocalSearch.run(configuration: configuration { $0.seed = 3 }, replica: replica) { _ in }
        }
    }

    @Test("the digest of an outcome sees a change of any part")
    func digest() throws {
        let outcome = try search(configuration()).outcome
        let changes: [(inout SearchOutcome) -> Void] = [
            { $0.state.weights[7].negate() }, { $0.state.momentum[7].negate() }, { $0.state.alphas[7].negate() },
            { $0.state.adamFirst[7].negate() }, { $0.state.adamSecond[7] += 1 }, { $0.losses[2].loss += 1e-9 },
            { $0.losses[2].correct += 1 }, { $0.losses[2].images += 1 }, { $0.selection.supernet.loss += 1e-9 },
            { $0.selection.rows[3].lossSum += 1e-9 }, { $0.selection.rows[3].shardsEvaluated += 1 },
            { $0.selection.operations[5] += 1 },
        ]
        for change in changes {
            var changed = outcome
            change(&changed)
            #expect(changed.digest != outcome.digest)
        }
    }
}
