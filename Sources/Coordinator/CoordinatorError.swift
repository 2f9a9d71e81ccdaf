import Search

/// Why a distributed search ended without an outcome.
public enum CoordinatorError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Somebody listens at the address already.
    case addressInUse(endpoint: String)
    /// An endpoint that cannot be used: malformed, no such address here, TCP without `--insecure`.
    case endpoint(String)
    /// Fewer workers than expected came in time.
    case tooFewWorkers(ready: Int, expected: Int, seconds: Double)
    /// A worker is gone, silent, or does not get on; the run cannot go on without it.
    case workerLost(name: String, host: String, reason: String)
    /// A worker process of a local run ended by itself. `output` is the end of what it wrote to standard error.
    case workerExited(name: String, status: String, output: String)
    /// A worker process could not be started.
    case cannotStart(executable: String, reason: String)
    /// A worker reported that it cannot go on.
    case workerFailed(name: String, host: String, reason: String)
    /// Two workers that must agree do not.
    case disagreement(String)
    /// SIGINT or SIGTERM.
    case interrupted(signal: Int32)
    /// The configuration does not fit the data, or a result does not fit the run.
    case search(SearchError)
    /// A fault in the operating system or in the messaging library.
    case transport(String)

    /// One line for a person; `workerExited` quotes the worker's output below it.
    public var description: String {
        switch self {
        case .addressInUse(let endpoint):
            "the address \(endpoint) is in use: another coordinator may be running there; choose another with --bind"
        case .endpoint(let text), .disagreement(let text), .transport(let text): text
        case .tooFewWorkers(let ready, let expected, let seconds):
            "\(ready) of \(expected) workers were ready after \(Int(seconds)) s; start more with `ostr worker "
                + "--connect …`, expect fewer with --workers, or wait longer with --worker-timeout"
        case .workerLost(let name, let host, let reason): "worker \(name) on \(host) is lost: \(reason)"
        case .workerExited(let name, let status, let output):
            "\(name) ended early (\(status))" + (output.isEmpty ? "" : ":\n\(output)")
        case .cannotStart(let executable, let reason): "cannot start \(executable): \(reason)"
        case .workerFailed(let name, let host, let reason): "worker \(name) on \(host): \(reason)"
        case .interrupted(let signal): "interrupted by signal \(signal)"
        case .search(let error): error.description
        }
    }
}
