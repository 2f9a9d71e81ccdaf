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
        async let workerErrors = withTaskGroup(of: (Int, WorkerError?).self) { group in
            for worker in 0..<workers {
                group.addTask {
                    var options = WorkerOptions(coordinator: endpoint)
                    options.name = "worker-\(worker)"
                    options.handlesSignals = false
                    adjust(worker, &options)
                    let process = WorkerProcess(options: options) { _ in dataset(worker) }
                    return (worker, await onThread { process.failure })
                }
            }
            var errors = [WorkerError?](repeating: nil, count: workers)
            for await (worker, error) in group { errors[worker] = error }
            return errors
        }
        let (outcome, events) = await onThread {
            var events: [SearchEvent] = []
            let outcome: Swift.Result<SearchOutcome, CoordinatorError>
            do throws(CoordinatorError) {
                outcome = .success(try CoordinatorProcess(options: final).run { events.append($0) })
            } catch {
                outcome = .failure(error)
            }
            return (outcome, events)
        }
        defer { folder.remove() }
        return Result(outcome: outcome, workerErrors: await workerErrors, events: events)
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
