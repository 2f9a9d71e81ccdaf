/// A worker's side of the control messages, as a pure value: joining, training under a lease, taking and handing over the
/// state, strength tasks, joining anew, and ending. It holds no clock, no socket and no numbers.
public struct WorkerMachine: Sendable {
    /// What the caller is to do.
    public enum Action: Sendable, Equatable {
        /// Send to the coordinator.
        case send(ControlMessage)
        /// Send to the member of this rank in the present generation.
        case sendPeer(rank: Int, MeshMessage)
        /// Read this configuration, load the images and begin with the initial state, then call `loaded` or `failed`.
        case load(configuration: [UInt8])
        /// Give up what an older generation was computing, connect to the members, and call `stands`.
        case join(Membership)
        /// Half-steps below this may be computed in this generation; call `applied` after each.
        case lease(generation: Int, halfSteps: Int)
        /// Call `exported` with the state's bytes.
        case exportState
        /// Take this state and call `stands`, with this generation.
        case importState([UInt8], generation: Int)
        /// Compute this task and call `evaluated`.
        case evaluate(TaskAssignment)
        /// Give up what is being computed and draw a new key; call `withdrawn` when the compute thread has nothing to do.
        /// If the state is not to be trusted, begin with the initial one. The reason is the coordinator's.
        case rejoin(reason: String, resetState: Bool)
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

    /// Limits on waiting; nil for none.
    public struct Timeouts: Sendable {
        /// For the first answer.
        public var connect: Duration?
        /// Between two messages of the coordinator.
        public var silence: Duration?

        /// Both.
        public init(connect: Duration?, silence: Duration?) {
            self.connect = connect
            self.silence = silence
        }
    }

    /// What the other parts of the worker do at the moment, for the status.
    public struct Activity: Sendable, Equatable {
        /// Grows with every shard computed.
        public var work = 0
        /// The compute thread has something to do, and does not wait for others.
        public var isBusy = false
        /// Ranks whose contributions to the half-step under way have not come.
        public var awaited: [Int] = []
        /// See `WorkerCounters`.
        public var counters = WorkerCounters()
        /// What was computed of the training.
        public var trained = ShardTally()

        /// Nothing.
        public init() {}
    }

    static let statusInterval = Duration.milliseconds(200)
    static let resendInterval = Duration.seconds(1)
    static let keptResults = 64
    /// For the compute thread to give up what it computes, once this worker counts as lost.
    static let withdrawalLimit = Duration.seconds(60)

    let hello: Hello
    let timeouts: Timeouts
    /// When this worker began to look for the coordinator.
    public let started: Duration
    /// When something came from the coordinator.
    public internal(set) var lastHeard: Duration?
    var nextStatus: Duration
    /// Since when the compute thread is expected to have nothing to do, before this worker joins anew.
    var withdrawing: Duration?
    var phase = WorkerStatus.Phase.starting
    /// What is loaded, or being loaded.
    var loaded: Assignment?
    var wanted: Assignment?
    var ready: Ready?

    var membership: Membership?
    /// The state as the present generation found it; nil until the compute thread has told.
    var standing: (appliedHalfSteps: Int, digest: UInt64)?
    var synchronization: Synchronization?
    var lease = 0
    var appliedHalfSteps = 0
    /// Of whole batches, from half-step `firstLoss` on, as far as the coordinator may not know them.
    var losses: [LossEntry] = []
    var firstLoss = 0
    var sentLosses = 0
    var lastProgress: Duration
    var objection: Objection?

    var report: StateReport?
    /// That of this run before this worker joined it anew.
    var formerReport: StateReport?
    var lastReport: Duration?
    var assembly: StateAssembly?
    var isImporting = false
    /// The present state's bytes, once someone asked for them.
    var source: StateSource?
    var snapshot: (digest: UInt64, state: StateSource)?
    var isSnapshotWanted = false
    var lastOffer: Duration?
    var isExporting = false
    /// What was asked for while the state is not yet exported; nil for the coordinator, else a rank.
    var requests: [(rank: Int?, generation: Int, request: StateRequest)] = []
    var partsReceived = 0
    /// Counters under keys that this worker had before.
    var countedBefore = WorkerCounters()

    /// The first one is being computed.
    var tasks: [TaskAssignment] = []
    /// The compute thread is busy with a task, even when it is wanted no more.
    var isEvaluating = false
    var hasHadTask = false
    var results: [TaskResult] = []
    var failure: String?
    /// To be kept up to date by the caller.
    public var activity = Activity()
    /// Set once; nothing happens afterwards.
    public internal(set) var end: End?
    /// The run's number, once the coordinator has answered.
    public internal(set) var run: UInt64 = 0

    struct Assignment: Sendable, Equatable {
        let run: UInt64
        let configuration: [UInt8]
    }

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

    /// The generation this worker knows, 0 for none.
    public var generation: Int { membership?.generation ?? 0 }

    /// To be called when `deadline` is reached.
    public mutating func tick(at now: Duration) -> [Action] {
        guard end == nil else { return [] }
        if let lastHeard {
            if let limit = timeouts.silence, now - lastHeard >= limit {
                return finish(failure.map { .failed(reason: $0) } ?? .coordinatorGone)
            }
        } else if let limit = timeouts.connect, now - started >= limit {
            return finish(.noCoordinator)
        }
        guard now >= nextStatus else { return [] }
        nextStatus = now + WorkerMachine.statusInterval
        if let withdrawing {
            guard now - withdrawing >= WorkerMachine.withdrawalLimit else { return [] }
            return finish(.failed(reason: "the computation is stuck"))
        }
        guard run != 0 else { return [.send(.hello(hello))] }
        if let failure { return [.send(.failure(reason: failure))] }
        var actions: [Action] = [.send(.status(status))]
        if assembly != nil { actions += requestState(at: now) }
        if lease == 0, let message = standingMessage() { actions.append(.send(message)) }
        if let objection { actions.append(.send(.objection(objection))) }
        if let report, !hasHadTask, now - (lastReport ?? .zero) >= WorkerMachine.resendInterval {
            lastReport = now
            actions.append(.send(.stateReport(report)))
        }
        if let snapshot, !isSnapshotWanted, now - (lastOffer ?? .zero) >= WorkerMachine.resendInterval {
            lastOffer = now
            actions.append(
                .send(.snapshotOffer(appliedHalfSteps: snapshot.state.appliedHalfSteps, digest: snapshot.digest)))
        }
        return actions
    }

    private var status: WorkerStatus {
        WorkerStatus(
            phase: phase, generation: generation, appliedHalfSteps: appliedHalfSteps, tasks: tasks.map(\.id),
            work: activity.work + partsReceived, isBusy: activity.isBusy, awaited: activity.awaited,
            counters: activity.counters - countedBefore, trained: activity.trained)
    }

    func standingMessage() -> ControlMessage? {
        guard let membership, let standing else { return nil }
        return .standing(
            Standing(
                generation: membership.generation, appliedHalfSteps: standing.appliedHalfSteps,
                digest: standing.digest, first: firstLoss, losses: Array(losses.prefix(WireLimits.losses))))
    }

    mutating func finish(_ end: End) -> [Action] {
        self.end = end
        return [.end(end)]
    }

    /// Asks whoever has the state for the parts that are missing.
    mutating func requestState(at now: Duration) -> [Action] {
        let applied = synchronization?.appliedHalfSteps ?? 0
        return (assembly?.requests(at: now) ?? []).map { offset in
            let request = StateRequest(appliedHalfSteps: applied, offset: offset)
            if let source = synchronization?.source { return .sendPeer(rank: source, .stateRequest(request)) }
            return .send(.stateRequest(request))
        }
    }
}
