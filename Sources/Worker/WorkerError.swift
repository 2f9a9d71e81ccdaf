import Transport

/// Why a worker ended without having been told to.
public enum WorkerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Nobody answered at the address in time.
    case noCoordinator(endpoint: String, seconds: Double)
    /// Somebody is at the address, with whom no connection comes about.
    case noHandshake(endpoint: String, HandshakeFailure)
    /// The coordinator does not know this worker's key.
    case keyRefused(endpoint: String, key: String)
    /// The coordinator answered, and then was silent for longer than it may be.
    case coordinatorGone(endpoint: String, seconds: Double)
    /// The coordinator does not want this worker; the text says why, with both values.
    case refused(String)
    /// The run ended for a reason that lies elsewhere; the text is the coordinator's.
    case runEnded(String)
    /// The launcher of this process is gone.
    case launcherGone
    /// SIGINT or SIGTERM.
    case interrupted(signal: Int32)
    /// The images that the run needs cannot be loaded here.
    case data(String)
    /// The computation cannot go on here; the coordinator has been told.
    case computation(String)
    /// An endpoint that cannot be used: malformed, in use, TCP without `--insecure`.
    case transport(String)

    /// One line for a person.
    public var description: String {
        switch self {
        case .noCoordinator(let endpoint, let seconds):
            "no coordinator at \(endpoint): nobody answered for \(WorkerError.text(seconds)) s; "
                + "start `ostr coordinator` there first, or allow more time with --connect-timeout"
        case .noHandshake(let endpoint, let failure): WorkerError.text(endpoint, failure)
        case .keyRefused(let endpoint, let key):
            "the coordinator at \(endpoint) does not list this worker's key; add the line `\(key) NAME` to its list of "
                + "keys (--allow) and send it SIGHUP"
        case .coordinatorGone(let endpoint, let seconds):
            "the coordinator at \(endpoint) is gone: nothing came from it for \(WorkerError.text(seconds)) s"
        case .refused(let reason): "the coordinator refused this worker: \(reason)"
        case .runEnded(let reason): "the run ended: \(reason)"
        case .launcherGone: "the process that started this worker is gone"
        case .interrupted(let signal): "interrupted by signal \(signal)"
        case .data(let text), .computation(let text), .transport(let text): text
        }
    }

    private static func text(_ endpoint: String, _ failure: HandshakeFailure) -> String {
        let what =
            switch failure {
            case .otherSecurity: "goes without keys, or wants them where none are given here"
            case .brokenOff, .wrongKey, .refused:
                "closes the connection: its key is not that of --server-key, one side goes without keys, or it is no "
                    + "coordinator"
            case .malformed: "is no coordinator: it does not speak the protocol"
            }
        return "no connection to \(endpoint): what is there \(what)"
    }

    private static func text(_ seconds: Double) -> String {
        seconds == seconds.rounded() ? "\(Int(seconds))" : "\(seconds)"
    }
}
