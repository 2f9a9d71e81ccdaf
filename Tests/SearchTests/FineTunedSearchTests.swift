import Datasets
import Kernels
import Supernet
import Synchronization
import TestSupport
import Testing

@testable import Search

@Suite struct FineTunedSearchTests {
    private static let dataset = ImageDataset(
        kind: .mnist, channels: 1, size: 32, classNames: (0..<10).map { "\($0)" },
        pixels: (0..<32 * 1024).map { UInt8(truncatingIfNeeded: $0 &* 29 / 5) },
        labels: (0..<32).map { UInt8($0 % 10) })

    private func configuration(_ space: String = "nasbench201") -> SearchConfiguration {
        let dataset = Self.dataset
        var configuration = SearchConfiguration(
            supernet: SupernetShape(
                space: space, channels: 2, cells: space == "nasbench201" ? 1 : 3, classes: 10, inputChannels: 1,
                imageSize: 32),
            dataset: .mnist, images: dataset.count, datasetDigest: dataset.digest, epochs: 1, batch: 8, shards: 2,
            seed: 5)
        configuration.selection.images = 8
        return configuration
    }

    private func run(
        _ configuration: SearchConfiguration, stages: ((Int, SearchConfiguration, SearchOutcome) -> Void)? = nil
    ) throws -> SearchOutcome {
        try FineTunedSearch.run(configuration, imageCount: Self.dataset.count) { stage in
            let replica = try Replica(configuration: stage.configuration, dataset: Self.dataset)
            let outcome = try LocalSearch.run(
                configuration: stage.configuration, replica: replica, from: stage.beginning
            ) { _ in }
            stages?(stage.number, stage.configuration, outcome)
            return outcome
        }
    }

    @Test(
        "weights are trained between decisions, alphas are not, and every edge is decided once",
        arguments: [false, true])
    func chain(isGreedy: Bool) throws {
        var configuration = configuration()
        configuration.selection.edgeOrder = isGreedy ? .greedy : nil
        let plain = try LocalSearch.run(
            configuration: configuration, replica: Replica(configuration: configuration, dataset: Self.dataset)
        ) { _ in }
        configuration.selection.fineTuneEpochs = 2
        var decided: [Int] = []
        let outcome = try run(configuration) { number, stage, outcome in
            #expect(stage.stage?.decided.count { $0 != nil } ?? 0 == number)
            #expect(stage.stage.map(\.firstEpoch) == (number == 0 ? nil : 1 + 2 * (number - 1)))
            decided.append(outcome.selection.rows[0].edge)
            #expect(Set(outcome.selection.rows.map(\.edge)).count == 1)
        }
        #expect(Set(decided) == Set(0..<6) && (isGreedy || decided == Array(0..<6)))
        // Two steps an epoch: both halves in the first stage, the weights in the five others.
        #expect(outcome.losses.count == 2 * 2 + 5 * 2 * 2)
        #expect(outcome.state.alphas == plain.state.alphas && outcome.state.weights != plain.state.weights)
        #expect(outcome.selection.supernet == plain.selection.supernet)
        #expect(outcome.selection.rows.map(\.edge) == (0..<6).flatMap { Array(repeating: $0, count: 5) })
        let chosen = outcome.selection.rows.filter(\.chosen)
        #expect(chosen.map(\.operation) == outcome.selection.operations)
        // The first decision comes before any training between.
        let first = decided[0]
        #expect(
            outcome.selection.rows.filter { $0.edge == first } == plain.selection.rows.filter { $0.edge == first })
        #expect(try run(configuration).digest == outcome.digest)
    }

    @Test("in a space whose nodes choose their edges, they do so at last, after training once more")
    func edges() throws {
        var configuration = configuration("s2")
        configuration.batch = 16
        configuration.epochs = 0
        configuration.selection.fineTuneEpochs = 1
        configuration.selection.images = 8
        var stages = 0
        let outcome = try run(configuration) { _, _, _ in stages += 1 }
        #expect(stages == 28 + 1)
        #expect(outcome.selection.kept.count { $0 } == 16)
        #expect(outcome.selection.rows.count == 28 * 2 + 2 * (3 + 4 + 5))
        // One for the supernet that was not trained here.
        #expect(outcome.losses.count == 1 + 28 && outcome.losses[0] == outcome.selection.supernet)
    }

    /// Keeps all that is handed over.
    private final class Kept: Sendable {
        let states = Mutex<[SearchState]>([])
    }

    private func run(_ configuration: SearchConfiguration, from beginning: SearchState?, _ kept: Kept) throws
        -> (outcome: SearchOutcome, stages: Int)
    {
        var stages = 0
        let outcome = try FineTunedSearch.run(
            configuration, imageCount: Self.dataset.count, from: beginning,
            save: { state in kept.states.withLock { $0.append(state) } }
        ) { stage in
            stages += 1
            let replica = try Replica(configuration: stage.configuration, dataset: Self.dataset)
            return try LocalSearch.run(
                configuration: stage.configuration, replica: replica, from: stage.beginning,
                keeping: stage.save.map { .init(interval: 1, save: $0) }
            ) { _ in }
        }
        return (outcome, stages)
    }

    @Test("one that goes on from whatever was kept of it ends as if nothing had happened", arguments: [0, 1])
    func resumed(epochs: Int) throws {
        var configuration = configuration()
        configuration.epochs = epochs
        configuration.selection.fineTuneEpochs = 1
        let kept = Kept()
        let (whole, count) = try run(configuration, from: nil, kept)
        #expect(try run(configuration) == whole && count == 6)
        #expect(try FineTunedSearch.halfSteps(configuration, imageCount: 32) == whole.losses.count)
        let states = kept.states.withLock { $0 }
        var begun: [Int] = []
        for state in states {
            #expect(state.losses.count <= whole.losses.count)
            let (outcome, stages) = try run(configuration, from: state, Kept())
            #expect(outcome == whole, "from half-step \(state.losses.count), evaluation \(state.evaluations.count)")
            begun.append(stages)
        }
        // Nothing that was decided is decided again; the last search is there for those who work for it.
        #expect(begun == begun.sorted(by: >) && begun.first == 6 && begun.last == 1)
        // Decisions that are known are told.
        var events: [SearchEvent] = []
        _ = try FineTunedSearch.run(
            configuration, imageCount: 32, from: states.last, observe: { events.append($0) }
        ) { stage in
            #expect(stage.isLast && stage.beginning?.evaluations.isEmpty == false)
            return whole
        }
        let decided = events.count { if case .edgeDecided = $0 { true } else { false } }
        #expect(decided == 5 && events.count == 6)
    }

    @Test("answers that came late, and are kept too, do no harm; those of another chain are refused")
    func late() throws {
        var configuration = configuration()
        configuration.selection.fineTuneEpochs = 1
        let kept = Kept()
        let whole = try run(configuration, from: nil, kept).outcome
        var state = try #require(kept.states.withLock { states in states.first { $0.evaluations.count == 12 } })
        let end = try #require(state.evaluations.lastIndex { !$0.task.decided.contains { $0 != nil } })
        state.evaluations.insert(state.evaluations[0], at: end + 1)
        #expect(try run(configuration, from: state, Kept()).outcome == whole)
        state.evaluations[end + 2].task.decided[3] = 1
        #expect(throws: SearchError.self) { try run(configuration, from: state, Kept()) }
    }

    @Test("in a space whose nodes choose their edges, too")
    func resumedEdges() throws {
        var configuration = configuration("s2")
        configuration.batch = 16
        configuration.epochs = 0
        configuration.selection.fineTuneEpochs = 1
        let kept = Kept()
        let (whole, _) = try run(configuration, from: nil, kept)
        let states = kept.states.withLock { $0 }
        // The last: in the midst of the choice of edges.
        for state in [states[states.count / 2], states[states.count - 3]] {
            #expect(try run(configuration, from: state, Kept()).outcome == whole)
        }
    }

    @Test("the gradient with chosen operations is that of a mixture that has come down to them")
    func gradient() throws {
        for space in [SearchSpace.nasbench201, .s2] {
            let shape = SupernetShape(
                space: space.name, channels: 4, cells: space == .nasbench201 ? 1 : 3, classes: 3, inputChannels: 1,
                imageSize: 8)
            let supernet = try Supernet(shape: shape, shardImages: 2)
            supernet.load(weights: Supernet.initialWeights(supernet.parameters, seed: 2))
            let operations = space.operationsOfEdge.enumerated().map { $1[$0 % $1.count] }
            var alphas = [Float](repeating: 0, count: supernet.edges * supernet.operations)
            for (edge, operation) in operations.enumerated() { alphas[edge * supernet.operations + operation] = 1000 }
            let draws = Philox(seed: 2, purpose: .synthetic)
            let images = (0..<2 * 64).map { draws.normal(at: $0) }
            var expected = [Float](repeating: 0, count: supernet.parameters.count)
            var found = expected
            supernet.load(alphas: alphas)
            let loss = supernet.gradient(
                of: .weights, images: images, labels: [0, 2], into: &expected, ready: { _ in }
            ).loss
            supernet.load(alphas: [Float](repeating: 0, count: alphas.count))
            supernet.choices = operations.map { .single($0) }
            let chosen = supernet.gradient(
                of: .weights, images: images, labels: [0, 2], into: &found, ready: { _ in }
            ).loss
            #expect(chosen == loss)
            #expect(found == expected && found.contains { $0 != 0 })
        }
    }

    @Test("what cannot be is refused")
    func impossible() throws {
        var configuration = configuration()
        configuration.selection.fineTuneEpochs = 0
        #expect(throws: SearchError.self) { try configuration.validate(imageCount: 32) }
        configuration.selection.fineTuneEpochs = 1
        for decided in [[Int?](), [nil, nil, nil, nil, nil, 5]] {
            configuration.stage = SearchStage(decided: decided, firstEpoch: 0, firstHalfStep: 0)
            #expect(throws: SearchError.self) { try configuration.validate(imageCount: 32) }
        }
    }
}
