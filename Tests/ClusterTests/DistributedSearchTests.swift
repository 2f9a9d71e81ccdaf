import Coordinator
import Datasets
import Search
import Supernet
import Testing
import Worker

/// Whole searches over real sockets.
@Suite(.serialized)
struct DistributedSearchTests {
    @Test(
        "any number of workers finds the same, bit by bit, as one process without a network",
        arguments: [1, 2, 3, 4, 6])
    func sameDigest(workers: Int) async throws {
        let dataset = SmallSearch.dataset()
        try await compare(SmallSearch.configuration(dataset), dataset, workers: workers)
    }

    @Test("so does a search in the DARTS space, down to the edges that nodes keep", arguments: [1, 2, 4])
    func sameDigestInDARTS(workers: Int) async throws {
        let dataset = SmallSearch.dataset(images: 64)
        let configuration = SmallSearch.configuration(
            dataset, space: "darts", channels: 2, cells: 3, epochs: 1)
        let outcome = try await compare(configuration, dataset, workers: workers)
        #expect(outcome.selection.kept.count { $0 } == 16)
        #expect(!outcome.selection.operations.contains(0), "`none` is not chosen")
    }

    @Test(
        "so does a selection by other criteria, weights and orders",
        arguments: [
            (SelectionCriterion.removal, OperationWeight.one, EdgeOrder.reverse), (.strength, .variance, .greedy),
            (.removal, .beta, .greedy), (.strength, .beta, .random),
        ])
    func sameDigestByOtherCriteria(
        criterion: SelectionCriterion, weight: OperationWeight, order: EdgeOrder
    ) async throws {
        let dataset = SmallSearch.dataset(images: 96)
        var configuration = SmallSearch.configuration(dataset, epochs: 1)
        configuration.selection.criterion = criterion
        configuration.selection.weight = weight
        configuration.selection.edgeOrder = order
        configuration.selection.withoutNone = true
        let outcome = try await compare(configuration, dataset, workers: 3)
        #expect(!outcome.selection.operations.contains(0), "`none` is not chosen")
    }

    @Test("so do all criteria that are compared in one table", arguments: [1, 2, 4])
    func sameComparison(workers: Int) async throws {
        let dataset = SmallSearch.dataset(images: 96)
        var configuration = SmallSearch.configuration(dataset, space: "own", channels: 2, cells: 3, epochs: 1)
        let definition = SpaceDefinition(
            name: "own", stemMultiplier: 2, keptInputs: nil, excluded: [],
            normal: [
                .init(node: 2, source: 0, operations: ["none", "skip_connect", "dil_conv_3x3"]),
                .init(node: 2, source: 1, operations: ["avg_pool_3x3"]),
            ],
            reduce: [
                .init(node: 2, source: 0, operations: ["max_pool_3x3", "noise"]),
                .init(node: 3, source: 1, operations: ["avg_pool_3x3", "sep_conv_3x3"]),
            ])
        configuration.supernet.definition = definition
        configuration.selection.compared = Criterion.all(
            of: Criterion.Kind.allCases, in: try SearchSpace.of(configuration.supernet))
        let outcome = try await compare(configuration, dataset, workers: workers)
        let comparison = try #require(outcome.comparison)
        #expect(comparison.criteria.count == 2 * (3 + 4) + 1 && comparison.cells?.cells.count == 12)
        let best = try #require(comparison.criteria.last)
        #expect(comparison.criteria.allSatisfy { $0.loss.loss >= best.loss.loss })
    }

    @Test("so do criteria in the DARTS space, where one worker's wrong losses are found by an audit")
    func sameComparisonAudited() async throws {
        let dataset = SmallSearch.dataset(images: 32)
        var configuration = SmallSearch.configuration(dataset, space: "s2", channels: 2, cells: 3, epochs: 0)
        configuration.selection.images = 8
        configuration.selection.compared = [Criterion(.strength, weight: .beta), Criterion(.firstOrder)]
        let replica = try Replica(configuration: configuration, dataset: dataset)
        let expected = try LocalSearch.run(configuration: configuration, replica: replica) { _ in }
        var options = CoordinatorOptions(
            configuration: configuration, imageCount: dataset.count, endpoint: "", expectedWorkers: 3)
        options.auditRate = 1
        var cluster = ThreadedCluster(workers: 3, options: options) { _ in dataset }
        cluster.adjustWorker = { worker, options in
            guard worker == 1 else { return }
            var sabotage = Sabotage()
            sabotage.evaluated = { _, losses in losses[0].loss *= 0.75 }
            options.sabotage = sabotage
        }
        let result = try await cluster.run()
        let outcome = try result.outcome.get()
        #expect(outcome == expected)
        #expect(outcome.comparison?.criteria[0].kept.count { $0 } == 16)
        #expect(
            result.events.contains { if case .workerLost("worker-1", _) = $0 { true } else { false } },
            "it is ejected")
    }

    @Test("so does a selection that races or halves", arguments: [0.9, nil])
    func sameDigestThinnedOut(racing: Double?) async throws {
        let dataset = SmallSearch.dataset(images: 320)
        var configuration = SmallSearch.configuration(dataset, epochs: 1, batch: 16, shards: 8)
        configuration.selection.racing = racing
        configuration.selection.halving = racing == nil ? true : nil
        let outcome = try await compare(configuration, dataset, workers: 3)
        #expect(outcome.selection.evaluations < outcome.selection.fullTableEvaluations)
    }

    @Test("so does a search whose alphas are updated by second order", arguments: [2, 4])
    func sameDigestUnrolled(workers: Int) async throws {
        let dataset = SmallSearch.dataset(images: 64)
        var configuration = SmallSearch.configuration(dataset, epochs: 1)
        configuration.unrolled = true
        configuration.selection.images = 16
        let outcome = try await compare(configuration, dataset, workers: workers)
        #expect(outcome.losses.count == 2 * 5)
    }

    @Test("so does one in the DARTS space, and with noise", arguments: ["darts", "s4"])
    func sameDigestUnrolledInDARTS(space: String) async throws {
        let dataset = SmallSearch.dataset(images: 32)
        var configuration = SmallSearch.configuration(dataset, space: space, channels: 2, cells: 3, epochs: 1)
        configuration.unrolled = true
        configuration.selection.images = 4
        configuration.selection.edgeChoice = .magnitude
        try await compare(configuration, dataset, workers: 2)
    }

    @Test("so does each of the searches of a chain that trains between decisions")
    func sameDigestFineTuned() async throws {
        let dataset = SmallSearch.dataset(images: 32)
        var configuration = SmallSearch.configuration(dataset, channels: 2, epochs: 1, batch: 8, shards: 4)
        configuration.selection.fineTuneEpochs = 1
        configuration.selection.images = 4
        var stages: [(configuration: SearchConfiguration, beginning: SearchState?, outcome: SearchOutcome)] = []
        _ = try FineTunedSearch.run(configuration, imageCount: dataset.count) { stage in
            let replica = try Replica(configuration: stage.configuration, dataset: dataset)
            let outcome = try LocalSearch.run(
                configuration: stage.configuration, replica: replica, from: stage.beginning
            ) { _ in }
            stages.append((stage.configuration, stage.beginning, outcome))
            return outcome
        }
        #expect(stages.count == 6)
        for stage in [stages[1], stages[5]] {
            var options = CoordinatorOptions(
                configuration: stage.configuration, imageCount: dataset.count, endpoint: "", expectedWorkers: 3)
            options.resume = stage.beginning
            let result = try await ThreadedCluster(workers: 3, options: options) { _ in dataset }.run()
            #expect(try result.outcome.get() == stage.outcome)
        }
    }

    /// What a search wanted to be kept, in order. Used by one thread.
    private final class Kept: @unchecked Sendable {
        var states: [SearchState] = []
    }

    @Test("so does a search that goes on from a checkpoint in the midst of the choice of edges")
    func sameDigestResumed() async throws {
        let dataset = SmallSearch.dataset(images: 64)
        let configuration = SmallSearch.configuration(dataset, space: "darts", channels: 2, cells: 3, epochs: 1)
        try await compare(configuration, dataset, workers: 2, resumes: true)
    }

    @Test("so does a search with noise among the operations", arguments: [1, 2])
    func sameDigestWithNoise(workers: Int) async throws {
        let dataset = SmallSearch.dataset(images: 16)
        let configuration = SmallSearch.configuration(
            dataset, space: "s4", channels: 2, cells: 3, epochs: 1, batch: 8, shards: 4)
        try await compare(configuration, dataset, workers: workers)
    }

    @Test("so does a search in a space that comes with the configuration")
    func sameDigestInOwnSpace() async throws {
        let dataset = SmallSearch.dataset(images: 64)
        var configuration = SmallSearch.configuration(dataset, space: "own", channels: 2, cells: 3, epochs: 1)
        configuration.supernet.definition = SpaceDefinition(
            name: "own", stemMultiplier: 2, keptInputs: nil,
            normal: [
                .init(node: 2, source: 0, operations: ["skip_connect", "dil_conv_3x3"]),
                .init(node: 2, source: 1, operations: ["none", "sep_conv_3x3"]),
            ],
            reduce: [
                .init(node: 2, source: 0, operations: ["max_pool_3x3"]),
                .init(node: 3, source: 1, operations: ["avg_pool_3x3", "noise"]),
            ])
        let outcome = try await compare(configuration, dataset, workers: 2)
        #expect(outcome.selection.rows.count == 6)
    }

    @Test("so does the training of a network, with all that DARTS' recipe has", arguments: [1, 2, 4])
    func sameDigestOfDARTSNetwork(workers: Int) async throws {
        let dataset = SmallSearch.dataset(images: 40)
        var configuration = SmallSearch.configuration(dataset, space: "darts", channels: 2, cells: 4, epochs: 2)
        configuration.batch = 16
        configuration.network = NetworkTraining(
            genotype:
                "Genotype(normal=[('sep_conv_3x3', 0), ('dil_conv_5x5', 1), ('avg_pool_3x3', 0), ('skip_connect', 1), "
                + "('max_pool_3x3', 0), ('dil_conv_3x3', 2), ('sep_conv_5x5', 2), ('skip_connect', 3)], "
                + "normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), ('skip_connect', 1), ('sep_conv_5x5', 1), "
                + "('skip_connect', 2), ('dil_conv_3x3', 0), ('avg_pool_3x3', 1), ('max_pool_3x3', 2), "
                + "('sep_conv_3x3', 4)], reduce_concat=[2, 3, 4, 5])")
        configuration.network?.auxiliaryWeight = 0.4
        configuration.network?.dropPath = 0.5
        configuration.network?.cutout = 8
        let outcome = try await compare(configuration, dataset, workers: workers)
        #expect(outcome.losses.count == 4 && outcome.selection == .none)
    }

    @Test("so does one in NAS-Bench-201, also from a checkpoint on", arguments: [(2, false), (3, true)])
    func sameDigestOfNetwork(workers: Int, resumes: Bool) async throws {
        let dataset = SmallSearch.dataset(images: 80)
        var configuration = SmallSearch.configuration(dataset)
        configuration.network = NetworkTraining(
            genotype: "Genotype(cell=[[('nor_conv_3x3', 0)], [('avg_pool_3x3', 0), ('nor_conv_1x1', 1)], "
                + "[('skip_connect', 0), ('none', 1), ('nor_conv_3x3', 2)]])")
        let outcome = try await compare(configuration, dataset, workers: workers, resumes: resumes)
        #expect(outcome.losses.count == 10)
    }

    @discardableResult
    private func compare(
        _ configuration: SearchConfiguration, _ dataset: ImageDataset, workers: Int, resumes: Bool = false
    ) async throws -> SearchOutcome {
        let replica = try Replica(configuration: configuration, dataset: dataset)
        let kept = Kept()
        let expected = try LocalSearch.run(
            configuration: configuration, replica: replica,
            keeping: .init(
                interval: configuration.network == nil ? 0 : 2, save: { state in kept.states.append(state) })
        ) { _ in }

        var options = CoordinatorOptions(
            configuration: configuration, imageCount: dataset.count, endpoint: "", expectedWorkers: workers)
        if resumes { options.resume = kept.states[kept.states.count - 3] }
        let result = try await ThreadedCluster(workers: workers, options: options) { _ in dataset }.run()
        let outcome = try result.outcome.get()
        #expect(outcome.losses == expected.losses)
        #expect(outcome.state == expected.state)
        #expect(outcome.selection == expected.selection)
        #expect(outcome.comparison == expected.comparison)
        #expect(outcome.digest == expected.digest)
        #expect(result.workerErrors == Array(repeating: nil, count: workers))
        return outcome
    }
}
