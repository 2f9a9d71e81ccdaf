import Protocol
import Search

/// What a coordinator needs to know.
public struct CoordinatorOptions: Sendable {
    /// What is searched, how, and on which images (by digest).
    public var configuration: SearchConfiguration
    /// Images of the training set that the search uses.
    public var imageCount: Int
    /// Where workers join, `tcp://ADDRESS:PORT`, `tcp://*:PORT` or `ipc://PATH`.
    public var endpoint: String
    /// The training starts when so many workers are ready.
    public var expectedWorkers: Int
    /// How long to wait for the expected workers.
    public var joinTimeout: Duration = .seconds(60)
    /// How long to go on without any worker, once the work has begun.
    public var workerTimeout: Duration = .seconds(60)
    /// How long a worker may be silent before it counts as lost. Workers report five times a second.
    public var silenceTimeout: Duration = .seconds(5)
    /// How long a worker may not get on, as long as it is not known what a half-step or a strength task takes.
    public var progressTimeout: Duration = .seconds(600)
    /// Half-steps between two checkpoints; 0 for none.
    public var checkpointInterval = 0
    /// Keeps what a search needs to go on. Called on the coordinator's thread, which must not wait for a disk.
    public var save: (@Sendable (SearchState) -> Void)?
    /// Why the run has to stop, since something could not be kept; asked often.
    public var saveFailure: (@Sendable () -> String?)?
    /// Share of strength tasks that a second worker answers too, 0 to 1.
    public var auditRate = 0.0
    /// A worker is slow that takes so many times as long for a shard of the training as the others.
    public var slowFactor = 3.0
    /// Whether slow workers stand by while others train.
    public var slowStandBy = false
    /// What to do about a gradient that is not finite whoever computes it.
    public var onNonFinite = CoordinatorMachine.NonFinitePolicy.stop
    /// The coordinator's key and those that may join; TCP wants them.
    public var keys: CoordinatorKeys?
    /// Allow TCP without keys, and socket files in folders that others can enter.
    public var insecure = false
    /// Where an earlier run was; for a selection alone, the trained supernet.
    public var resume: SearchState?
    /// Another run follows at the same endpoint, which the workers are told to join when this one is complete.
    public var isFollowed = false
    /// End the run in order on SIGINT and SIGTERM, which this process then does not die of.
    public var handlesSignals = true

    /// All fields.
    public init(
        configuration: SearchConfiguration, imageCount: Int, endpoint: String, expectedWorkers: Int
    ) {
        self.configuration = configuration
        self.imageCount = imageCount
        self.endpoint = endpoint
        self.expectedWorkers = expectedWorkers
    }
}
