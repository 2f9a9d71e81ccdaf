import Coordinator
import Datasets
import Foundation
import Search
import Synchronization
import TestSupport
import Transport
import Worker

/// A coordinator and workers as threads of this process, over socket files.
struct ThreadedCluster {
    var workers = 2
    var options: CoordinatorOptions
    /// The images of the worker with this number.
    var dataset: @Sendable (_ worker: Int) -> ImageDataset
    var adjustWorker: @Sendable (_ worker: Int, inout WorkerOptions) -> Void = { _, _ in }

    struct Result {
        var outcome: Swift.Result<SearchOutcome, CoordinatorError>
        /// By worker; nil for one that was told that the run is complete.
        var workerErrors: [WorkerError?]
        var events: [SearchEvent]
    }

    func run() async throws -> Result {
        let folder = try PrivateFolder()
        var options = options
        options.endpoint = "ipc://\(folder.path)/c"
        options.expectedWorkers = max(options.expectedWorkers, 1)
        options.handlesSignals = false
        let final = options
        let (endpoint, dataset, adjust) = (options.endpoint, self.dataset, adjustWorker)
        // Every thread is started before anything is awaited: other tests may keep the concurrency pool busy.
        let running = (0..<workers).map { worker in
            var options = WorkerOptions(coordinator: endpoint)
            options.name = "worker-\(worker)"
            options.handlesSignals = false
            adjust(worker, &options)
            let process = WorkerProcess(options: options) { _ in dataset(worker) }
            return RunningThread { process.failure }
        }
        let (outcome, events) = await onThread {
            var events: [SearchEvent] = []
            let outcome: Swift.Result<SearchOutcome, CoordinatorError>
            do throws(CoordinatorError) {
                outcome = .success(try CoordinatorProcess().run(final) { events.append($0) })
            } catch {
                outcome = .failure(error)
            }
            return (outcome, events)
        }
        defer { folder.remove() }
        var workerErrors: [WorkerError?] = []
        for thread in running { workerErrors.append(await thread.value) }
        return Result(outcome: outcome, workerErrors: workerErrors, events: events)
    }
}

extension WorkerProcess {
    /// Runs; gives the error it ended with.
    var failure: WorkerError? {
        do throws(WorkerError) {
            try run()
            return nil
        } catch {
            return error
        }
    }
}

/// Runs blocking work on a thread of its own, so that it keeps no thread of the concurrency pool.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        let thread = Thread { continuation.resume(returning: body()) }
        thread.stackSize = 8 << 20
        thread.start()
    }
}

/// Work that has begun on a thread of its own; its value can be awaited later.
final class RunningThread<Value: Sendable>: Sendable {
    private let results: AsyncStream<Value>

    init(_ body: @escaping @Sendable () -> Value) {
        let (stream, continuation) = AsyncStream.makeStream(of: Value.self)
        results = stream
        let thread = Thread {
            continuation.yield(body())
            continuation.finish()
        }
        thread.stackSize = 8 << 20
        thread.start()
    }

    var value: Value {
        get async {
            for await value in results { return value }
            preconditionFailure("a thread gives one value, awaited once")
        }
    }
}
