import Search

/// A coordinator in this process and worker processes on the same machine, which are gone when it returns, whatever
/// happens, and which end by themselves when this process is killed.
public struct LocalCluster: Sendable {
    /// The program to start, usually this one: see `ownExecutable`.
    public var executable: String
    /// What every worker gets after `worker --connect ENDPOINT --name NAME --end-with-stdin`, for example `--data DIR`.
    public var workerArguments: [String]
    /// How many.
    public var workers: Int

    public init(executable: String = LocalCluster.ownExecutable, workerArguments: [String], workers: Int) {
        self.executable = executable
        self.workerArguments = workerArguments
        self.workers = workers
    }

    /// The path of the running program.
    public static var ownExecutable: String { fatalError() }

    /// Runs a whole search, or a selection alone when `options.initialState` is set. The endpoint and the number of
    /// workers in `options` are replaced. Blocks the calling thread, which also gets the events.
    public func run(
        _ options: CoordinatorOptions, observe: (SearchEvent) -> Void
    ) throws(CoordinatorError) -> SearchOutcome {
        fatalError()
    }
}
