/// What a worker process needs to know.
public struct WorkerOptions: Sendable {
    /// Where the coordinator listens, `tcp://HOST:PORT` or `ipc://PATH`.
    public var coordinator: String
    /// What others call this worker in their messages; the host's name and the process id by default.
    public var name: String?
    /// How long to try to reach the coordinator before giving up; nil for as long as it takes.
    public var connectTimeout: Duration?
    /// How long the coordinator may be silent before the worker gives up; nil for as long as it takes. It pings five
    /// times a second.
    public var silenceTimeout: Duration?
    /// Where other workers reach this one, `tcp://HOST:PORT`; nil for a free port on the address that leads to the
    /// coordinator, or a socket file beside the coordinator's.
    public var meshEndpoint: String?
    /// The worker's key and the coordinator's; TCP wants them.
    public var keys: WorkerKeys?
    /// Allow TCP without keys, and socket files in folders that others can enter.
    public var insecure = false
    /// End when standard input ends: a launcher keeps a pipe to it, so that no worker outlives its launcher.
    public var endsWithStandardInput = false

    /// Tell the coordinator and end in order on SIGINT and SIGTERM, which this process then does not die of.
    public var handlesSignals = true

    /// Sleep so many seconds in each half-step, and in each evaluation of a batch, instead of computing: for measuring
    /// what the protocol costs. Such a run finds nothing.
    public var standIn: Double?

    /// What other workers are told to connect to, where it is not what this one listens at; in tests.
    package var announcedMesh: String?
    /// What goes wrong on purpose, in tests.
    package var sabotage: Sabotage?

    /// The defaults.
    public init(coordinator: String) {
        self.coordinator = coordinator
    }
}
