/// Why a worker ended without having been told to.
public enum WorkerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Nobody answered at the address in time.
    case noCoordinator(endpoint: String, seconds: Double)
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
        case .coordinatorGone(let endpoint, let seconds):
            "the coordinator at \(endpoint) is gone: nothing came from it for \(WorkerError.text(seconds)) s"
        case .refused(let reason): "the coordinator refused this worker: \(reason)"
        case .runEnded(let reason): "the run ended: \(reason)"
        case .launcherGone: "the process that started this worker is gone"
        case .interrupted(let signal): "interrupted by signal \(signal)"
        case .data(let text), .computation(let text), .transport(let text): text
        }
    }

    private static func text(_ seconds: Double) -> String {
        seconds == seconds.rounded() ? "\(Int(seconds))" : "\(seconds)"
    }
}
