/// A worker's side of the control messages, as a pure value: joining, training under a lease, handing over the state,
/// strength tasks, and ending. It holds no clock, no socket and no numbers.
public struct WorkerMachine: Sendable {
    /// What the caller is to do.
    public enum Action: Sendable, Equatable {
        /// Send to the coordinator.
        case send(ControlMessage)
        /// Read this configuration and load the images, then call `loaded` or `failed`.
        case load(configuration: [UInt8])
        /// Connect to the members and compute half-steps as far as the lease goes; call `applied` after each.
        case join(Membership)
        /// Half-steps below this may be computed.
        case lease(Int)
        /// Call `exported` with the state's bytes.
        case exportState
        /// Take this state and call `reported`.
        case importState([UInt8])
        /// Compute this task and call `evaluated`.
        case evaluate(TaskAssignment)
        /// Stop.
        case end(End)
    }

    /// Why a worker stops.
    public enum End: Sendable, Equatable {
        /// The run is complete.
        case finished
        /// The run is over without being complete.
        case runEnded(reason: String)
        /// The coordinator does not want this worker.
        case refused(reason: String)
        /// Nobody ever answered.
        case noCoordinator
        /// The coordinator has been silent for too long.
        case coordinatorGone
        /// This worker cannot go on.
        case failed(reason: String)
    }

    /// Limits on waiting.
    public struct Timeouts: Sendable {
        /// For the first answer.
        public var connect: Duration
        /// Between two messages of the coordinator.
        public var silence: Duration

        /// Both.
        public init(connect: Duration, silence: Duration) {
            self.connect = connect
            self.silence = silence
        }
    }

    static let statusInterval = Duration.milliseconds(200)
    static let resendInterval = Duration.seconds(1)
    static let keptResults = 64

    let hello: Hello
    let timeouts: Timeouts
    let started: Duration
    var lastHeard: Duration?
    var nextStatus: Duration
    var phase = WorkerStatus.Phase.starting
    var ready: Ready?
    var membership: Membership?
    var lease = 0
    var appliedHalfSteps = 0
    /// Of whole batches, from half-step 0; lowest rank only.
    var losses: [LossEntry] = []
    var sentLosses = 0
    var lastProgress: Duration
    var report: StateReport?
    var lastReport: Duration?
    var assembly: StateAssembly?
    var isImporting = false
    var source: StateSource?
    var isExporting = false
    /// Offsets asked for while the state is not yet exported.
    var wantedOffsets: [Int] = []
    /// The first one is being computed.
    var tasks: [TaskAssignment] = []
    var hasHadTask = false
    var results: [(id: Int, losses: [LossEntry])] = []
    var failure: String?
    /// Set once; nothing happens afterwards.
    public internal(set) var end: End?
    /// The run's number, once the coordinator has answered.
    public internal(set) var run: UInt64 = 0

    /// Starts to look for the coordinator.
    public init(hello: Hello, timeouts: Timeouts, at now: Duration) {
        self.hello = hello
        self.timeouts = timeouts
        started = now
        nextStatus = now
        lastProgress = now
    }

    /// When `tick` is to be called next.
    public var deadline: Duration { nextStatus }

    /// To be called when `deadline` is reached.
    public mutating func tick(at now: Duration) -> [Action] {
        guard end == nil else { return [] }
        if let lastHeard {
            if now - lastHeard >= timeouts.silence {
                return finish(failure.map { .failed(reason: $0) } ?? .coordinatorGone)
            }
        } else if now - started >= timeouts.connect {
            return finish(.noCoordinator)
        }
        guard now >= nextStatus else { return [] }
        nextStatus = now + WorkerMachine.statusInterval
        guard lastHeard != nil, run != 0 else { return [.send(.hello(hello))] }
        if let failure { return [.send(.failure(reason: failure))] }
        var actions: [Action] = [
            .send(
                .status(
                    WorkerStatus(
                        phase: phase, generation: membership?.generation ?? 0, appliedHalfSteps: appliedHalfSteps,
                        tasks: tasks.map(\.id))))
        ]
        if assembly != nil { actions += requestState(at: now) }
        if let report, !hasHadTask, now - (lastReport ?? .zero) >= WorkerMachine.resendInterval {
            lastReport = now
            actions.append(.send(.stateReport(report)))
        }
        return actions
    }

    mutating func finish(_ end: End) -> [Action] {
        self.end = end
        return [.end(end)]
    }

    mutating func requestState(at now: Duration) -> [Action] {
        (assembly?.requests(at: now) ?? []).map { .send(.stateRequest(offset: $0)) }
    }
}
