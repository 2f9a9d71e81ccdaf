/// The coordinator's side of the control messages, as a pure value: it gathers workers, starts a generation, extends its
/// lease, compares and collects the state, and keeps every worker busy with tasks. It holds no clock and no socket.
public struct CoordinatorMachine: Sendable {
    /// What the run is.
    public struct Plan: Sendable {
        /// Drawn at the start; not 0.
        public var run: UInt64
        /// JSON, for the workers.
        public var configuration: [UInt8]
        /// The digest that every worker's images must have.
        public var datasetDigest: String
        /// Shards of a batch.
        public var shards: Int
        /// Half-steps of the whole training.
        public var halfSteps: Int
        /// The training starts when so many are ready.
        public var expectedWorkers: Int
        /// There is a state to begin with, and no training.
        public var hasState: Bool
        /// The runs of shards of so many workers.
        public var runs: @Sendable (_ workers: Int) -> [Range<Int>]
        /// For the expected workers to come.
        public var joinTimeout: Duration
        /// How long a worker may be silent.
        public var workerTimeout: Duration
        /// How long a training may stand still, and a task may take.
        public var progressTimeout: Duration

        /// All fields.
        public init(
            run: UInt64, configuration: [UInt8], datasetDigest: String, shards: Int, halfSteps: Int,
            expectedWorkers: Int, hasState: Bool, runs: @escaping @Sendable (_ workers: Int) -> [Range<Int>],
            joinTimeout: Duration, workerTimeout: Duration, progressTimeout: Duration
        ) {
            self.run = run
            self.configuration = configuration
            self.datasetDigest = datasetDigest
            self.shards = shards
            self.halfSteps = halfSteps
            self.expectedWorkers = expectedWorkers
            self.hasState = hasState
            self.runs = runs
            self.joinTimeout = joinTimeout
            self.workerTimeout = workerTimeout
            self.progressTimeout = progressTimeout
        }
    }

    /// What the caller is to do or to know.
    public enum Action: Sendable, Equatable {
        /// Send to the worker with this key.
        case send(to: UInt64, ControlMessage)
        /// Answer a worker's request for a part of the state.
        case sendState(to: UInt64, offset: Int)
        /// A worker is ready; so many are now.
        case joined(name: String, count: Int)
        /// A worker was not wanted, and why.
        case refused(name: String, reason: String)
        /// The training begins, with so many workers; the others wait for the selection.
        case trainingStarted(workers: Int, standBys: Int)
        /// Loss sums of whole batches, in order, none left out.
        case losses(first: Int, [LossEntry])
        /// The state is the same everywhere: `bytes` is nil when the run began with it. Tasks may be dispatched.
        case selecting(StateReport, bytes: [UInt8]?)
        /// A task's loss sums; possibly of one that was answered before.
        case result(TaskAssignment, losses: [LossEntry])
        /// A worker is gone and the run goes on; these tasks have to be dispatched again.
        case lost(name: String, reason: String, tasks: [TaskAssignment])
        /// The run cannot go on.
        case fail(Failure)
    }

    /// Why a run cannot go on.
    public enum Failure: Error, Sendable, Equatable {
        /// Fewer workers than expected came in time.
        case tooFewWorkers(ready: Int, expected: Int)
        /// A worker is gone or does not get on.
        case lost(name: String, host: String, reason: String)
        /// A worker says that it cannot go on.
        case failed(name: String, host: String, reason: String)
        /// Two workers that must agree do not.
        case disagreement(String)
    }

    enum Phase: Sendable {
        case gathering, training, collecting, selecting, finishing
    }

    static let pingInterval = Duration.milliseconds(200)
    static let resendInterval = Duration.seconds(1)
    /// Half-steps that workers may compute without hearing from here.
    static let leaseLength = 256
    /// Tasks that a worker has at a time: one to compute and one to go on with.
    static let credit = 2

    let plan: Plan
    let started: Duration
    var phase = Phase.gathering
    var workers: [UInt64: Worker] = [:]
    /// Keys in order of joining.
    var order: [UInt64] = []
    var members: [Membership.Member] = []
    var numericDigest: UInt64?
    var lease = 0
    var knownLosses = 0
    var lastProgress: Duration
    var nextPing: Duration
    var assembly: StateAssembly?
    var state: [UInt8]?
    var reference: StateReport?
    var nextTask = 0
    var tasks: [Int: TaskAssignment] = [:]
    var answered: Set<Int> = []
    var averageTaskTime: Duration?
    /// Why the run ended, once it has; empty for a complete one.
    var finishReason: String?

    /// Waits for workers.
    public init(plan: Plan, at now: Duration) {
        self.plan = plan
        started = now
        lastProgress = now
        nextPing = now
    }

    /// When `tick` is to be called next.
    public var deadline: Duration { nextPing }

    /// Workers that are ready.
    public var readyWorkers: Int { workers.values.count { $0.isReady } }

    /// Whether this worker has joined and is not lost.
    public func knows(_ worker: UInt64) -> Bool { workers[worker] != nil }

    var isTraining: Bool { phase == .training || phase == .collecting }

    func isMember(_ key: UInt64) -> Bool { members.contains { $0.worker == key } }

    /// Ends the run: every worker is told, until it has answered or is gone.
    public mutating func finish(reason: String, at now: Duration) -> [Action] {
        guard phase != .finishing else { return [] }
        phase = .finishing
        finishReason = reason
        nextPing = now + CoordinatorMachine.pingInterval
        return order.filter { workers[$0] != nil }.map { .send(to: $0, .finish(reason: reason)) }
    }

    /// Whether every worker has answered the end of the run.
    public var isEveryoneGone: Bool { phase == .finishing && workers.isEmpty }

    var offersState: Bool { phase == .selecting || (plan.hasState && phase == .collecting) }

    func ping() -> ControlMessage {
        .ping(lease: lease, knownLosses: knownLosses, offersState: offersState)
    }
}

extension CoordinatorMachine {
    struct Worker: Sendable {
        let hello: Hello
        var lastHeard: Duration
        var isReady = false
        var generation = 0
        var applied = 0
        var report: StateReport?
        /// Tasks it has, in the order in which it computes them.
        var queue: [Outstanding] = []

        struct Outstanding: Sendable {
            let id: Int
            var sent: Duration
            /// When it came to be the first.
            var headSince: Duration?
        }
    }
}
