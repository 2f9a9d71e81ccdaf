import Foundation
import Search
import Transport

/// A coordinator in this process and worker processes on the same machine, which are gone when `run` returns, whatever
/// happens, and which end by themselves when this process is killed. A worker that dies is replaced.
///
/// They talk through socket files in a new folder of mode 0700, which is removed in the end.
public struct LocalCluster: Sendable {
    /// The program to start, usually this one: see `ownExecutable`.
    public var executable: String
    /// What every worker gets after `worker --connect ENDPOINT --name NAME --end-with-stdin`, for example `--data DIR`.
    public var workerArguments: [String]
    /// How many.
    public var workers: Int

    /// For workers to end by themselves.
    private static let patience = Duration.seconds(2)

    /// Nothing is started before `run`.
    public init(executable: String = LocalCluster.ownExecutable, workerArguments: [String], workers: Int) {
        self.executable = executable
        self.workerArguments = workerArguments
        self.workers = workers
    }

    /// The path of the running program.
    public static var ownExecutable: String {
        #if os(Linux)
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
                ?? CommandLine.arguments.first ?? "ostr"
        #else
            Bundle.main.executablePath ?? CommandLine.arguments.first ?? "ostr"
        #endif
    }

    /// Runs a whole search. The endpoint and the number of workers in `options` are replaced. Blocks the calling thread, which
    /// also gets the events.
    ///
    /// - Parameter isEnough: asked often; whether to end with `CoordinatorError.endedEarly`.
    public func run(
        _ options: CoordinatorOptions, until isEnough: () -> Bool = { false }, observe: (SearchEvent) -> Void
    ) throws(CoordinatorError) -> SearchOutcome {
        let folder: PrivateFolder
        do throws(TransportError) {
            folder = try PrivateFolder()
        } catch {
            throw CoordinatorError(error)
        }
        defer { folder.remove() }
        var options = options
        options.endpoint = "ipc://\(folder.path)/c"
        options.expectedWorkers = workers
        let crew = LocalWorkers { [self, options] number throws(CoordinatorError) in
            let name = "worker-\(number)"
            return try WorkerExecutable(
                name: name, executable: executable,
                arguments: ["worker", "--connect", options.endpoint, "--name", name, "--end-with-stdin"]
                    + workerArguments,
                outputPath: "\(folder.path)/\(name).log")
        }
        defer { crew.end(within: LocalCluster.patience) }
        let loop = try CoordinatorLoop(options: options) { work throws(CoordinatorError) in try crew.look(work: work) }
        try crew.start(max(workers, 1))
        return try loop.run(until: isEnough, observe: observe)
    }
}
