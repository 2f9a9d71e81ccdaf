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

    @Test("so does a search with noise among the operations", arguments: [1, 2])
    func sameDigestWithNoise(workers: Int) async throws {
        let dataset = SmallSearch.dataset(images: 64)
        let configuration = SmallSearch.configuration(dataset, space: "s4", channels: 2, cells: 3, epochs: 1)
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

    @discardableResult
    private func compare(
        _ configuration: SearchConfiguration, _ dataset: ImageDataset, workers: Int
    ) async throws -> SearchOutcome {
        let replica = try Replica(configuration: configuration, dataset: dataset)
        let expected = try LocalSearch.run(configuration: configuration, replica: replica) { _ in }

        let options = CoordinatorOptions(
            configuration: configuration, imageCount: dataset.count, endpoint: "", expectedWorkers: workers)
        let result = try await ThreadedCluster(workers: workers, options: options) { _ in dataset }.run()
        let outcome = try result.outcome.get()
        #expect(outcome.losses == expected.losses)
        #expect(outcome.state == expected.state)
        #expect(outcome.selection == expected.selection)
        #expect(outcome.digest == expected.digest)
        #expect(result.workerErrors == Array(repeating: nil, count: workers))
        return outcome
    }
}
