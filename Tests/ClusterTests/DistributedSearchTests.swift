import Coordinator
import Search
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
        let configuration = SmallSearch.configuration(dataset)
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
    }
}
