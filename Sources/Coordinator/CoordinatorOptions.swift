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
    /// How long a worker may be silent before it counts as lost. Workers report five times a second.
    public var workerTimeout: Duration = .seconds(5)
    /// How long a training may go without a half-step being applied, or a worker without answering a strength task.
    public var progressTimeout: Duration = .seconds(600)
    /// The coordinator's key and those that may join; TCP wants them.
    public var keys: CoordinatorKeys?
    /// Allow TCP without keys, and socket files in folders that others can enter.
    public var insecure = false
    /// A trained supernet: skip the training and select from it.
    public var initialState: TrainingState?
    /// End the run in order on SIGINT and SIGTERM, which this process then does not die of.
    public var handlesSignals = true

    public init(
        configuration: SearchConfiguration, imageCount: Int, endpoint: String, expectedWorkers: Int,
        initialState: TrainingState? = nil
    ) {
        self.configuration = configuration
        self.imageCount = imageCount
        self.endpoint = endpoint
        self.expectedWorkers = expectedWorkers
        self.initialState = initialState
    }
}
