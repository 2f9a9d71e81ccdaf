import Transport

/// The worker processes of a local run. Used by the coordinator's thread.
final class LocalWorkers {
    /// Starts the worker with this number, from 1.
    typealias Starter = (_ number: Int) throws(CoordinatorError) -> WorkerExecutable

    /// Deaths, for each worker, after which nobody is started any more while nothing gets done.
    private static let attempts = 4

    private let starter: Starter
    private var processes: [WorkerExecutable] = []
    private var deaths = 0
    private var workAtDeath = 0

    init(starter: @escaping Starter) {
        self.starter = starter
    }

    func start(_ count: Int) throws(CoordinatorError) {
        for number in 1...count { processes.append(try starter(number)) }
    }

    /// Replaces workers that have ended.
    ///
    /// - Parameter work: what the run has done so far.
    /// - Throws: `CoordinatorError.workerExited` for a worker that ended with an error before anything was done, or when
    ///   workers keep dying and nothing gets done.
    func look(work: Int) throws(CoordinatorError) -> [CoordinatorLoop.Ended] {
        var ended: [CoordinatorLoop.Ended] = []
        for (place, process) in processes.enumerated() {
            guard let status = process.ended(), !process.hasSucceeded else { continue }
            deaths = work > workAtDeath ? 1 : deaths + 1
            workAtDeath = work
            let isHopeless = process.wasKilled ? deaths > processes.count * LocalWorkers.attempts : work == 0
            if isHopeless || deaths > processes.count * LocalWorkers.attempts {
                throw .workerExited(name: process.name, status: status, output: process.output())
            }
            ended.append(.init(name: process.name, reason: "its process ended (\(status))"))
            processes[place] = try starter(place + 1)
        }
        return ended
    }

    /// Ends all of them; those that do not end by themselves are killed.
    func end(within patience: Duration) {
        for process in processes { process.closeInput() }
        let limit = MonotonicClock.now + patience
        for process in processes { process.end(until: limit) }
    }
}
