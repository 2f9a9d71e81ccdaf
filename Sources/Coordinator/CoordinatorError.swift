import Search

/// Why a distributed search ended without an outcome.
public enum CoordinatorError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Somebody listens at the address already.
    case addressInUse(endpoint: String)
    /// An endpoint that cannot be used: malformed, no such address here, TCP without `--insecure`.
    case endpoint(String)
    /// Fewer workers than expected came in time.
    case tooFewWorkers(ready: Int, expected: Int, seconds: Double)
    /// Every worker is gone, and none came in time. `last` tells of the last one.
    case abandoned(seconds: Double, last: String)
    /// These workers were lost, one after the other, over the same shards of the same work.
    case hopeless(work: String, shards: Range<Int>, workers: [String], reason: String)
    /// A worker process of a local run ended by itself. `output` is the end of what it wrote to standard error.
    case workerExited(name: String, status: String, output: String)
    /// A worker process could not be started.
    case cannotStart(executable: String, reason: String)
    /// Workers that must agree do not, and nobody can tell who is right.
    case disagreement(String)
    /// SIGINT or SIGTERM; `isSaved` when the run can go on later from where it was.
    case interrupted(signal: Int32, isSaved: Bool)
    /// The caller had seen all it wanted.
    case endedEarly
    /// A checkpoint could not be written, and the run is not to go on without.
    case notKept(String)
    /// The configuration does not fit the data, or a result does not fit the run.
    case search(SearchError)
    /// A fault in the operating system or in the messaging library.
    case transport(String)

    /// One line for a person; `workerExited` quotes the worker's output below it.
    public var description: String {
        switch self {
        case .addressInUse(let endpoint):
            "the address \(endpoint) is in use: another coordinator may be running there; choose another with --bind"
        case .endpoint(let text), .transport(let text), .notKept(let text), .disagreement(let text): text
        case .tooFewWorkers(let ready, let expected, let seconds):
            "\(ready) of \(expected) workers were ready after \(Int(seconds)) s; start more with `ostr worker "
                + "--connect …`, expect fewer with --workers, or wait longer with --join-timeout"
        case .abandoned(let seconds, let last):
            "all workers are gone, and none came for \(Int(seconds)) s; start some with `ostr worker --connect …` and go "
                + "on with --resume, or wait longer with --worker-timeout. The last one was \(last)"
        case .hopeless(let work, let shards, let workers, let reason):
            "\(workers.count) workers (\(workers.joined(separator: ", "))) were lost one after the other over "
                + "shard\(shards.count == 1 ? " \(shards.lowerBound)" : "s \(shards.lowerBound) to \(shards.upperBound - 1)")"
                + " of \(work), which is given up; the last one: \(reason)"
        case .workerExited(let name, let status, let output):
            "\(name) ended early (\(status))" + (output.isEmpty ? "" : ":\n\(output)")
        case .cannotStart(let executable, let reason): "cannot start \(executable): \(reason)"
        case .interrupted(let signal, let isSaved):
            "interrupted by signal \(signal)" + (isSaved ? "; go on with --resume" : "")
        case .endedEarly: "ended before its end, as was asked for"
        case .search(let error): error.description
        }
    }
}
