/// The coordinator's side of the control messages, as a pure value: it gathers workers, makes and changes generations,
/// extends their lease, compares and collects the state, and keeps every worker busy with tasks. It holds no clock and no
/// socket.
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
        /// The state to begin with, which the coordinator has: the initial one, a checkpoint's, or that of a finished
        /// training, with which the selection begins.
        public var base: Base
        /// Losses of half-steps that are known from the beginning.
        public var knownLosses = 0
        /// Half-steps to pass over, from the beginning.
        public var skipped: [Int] = []
        /// Every so many half-steps the state is asked for; 0 for never.
        public var snapshotInterval = 0
        /// What to do about a gradient that is not finite whoever computes it.
        public var onNonFinite = NonFinitePolicy.stop
        /// The share of half-steps of which several members compute one shard.
        public var auditRate = 0.0
        /// A member is slow that takes so many times as long for a shard as the others.
        public var slowFactor = 3.0
        /// Whether slow members stand by, as long as there are others.
        public var slowStandBy = false
        /// The runs of shards of so many workers.
        public var runs: @Sendable (_ workers: Int) -> [Range<Int>]
        /// What a state's bytes are the state of; nil when they are none.
        public var describe: @Sendable (_ state: [UInt8]) -> Base?
        /// For the expected workers to come.
        public var joinTimeout: Duration
        /// How long to go on without any worker.
        public var workerTimeout = Duration.seconds(60)
        /// How long a worker may be silent.
        public var silenceTimeout = Duration.seconds(5)
        /// How long a worker without a connection may take to make another.
        public var reconnectTimeout = Duration.milliseconds(400)
        /// How long a worker may seem to do nothing, while it is not known how long a half-step or a task takes.
        public var progressTimeout: Duration

        /// The defaults for what is not named here.
        public init(
            run: UInt64, configuration: [UInt8], datasetDigest: String, shards: Int, halfSteps: Int,
            expectedWorkers: Int, base: Base, runs: @escaping @Sendable (_ workers: Int) -> [Range<Int>],
            describe: @escaping @Sendable (_ state: [UInt8]) -> Base?, joinTimeout: Duration, progressTimeout: Duration
        ) {
            self.run = run
            self.configuration = configuration
            self.datasetDigest = datasetDigest
            self.shards = shards
            self.halfSteps = halfSteps
            self.expectedWorkers = expectedWorkers
            self.base = base
            self.runs = runs
            self.describe = describe
            self.joinTimeout = joinTimeout
            self.progressTimeout = progressTimeout
        }
    }

    /// A training state that the coordinator has.
    public struct Base: Sendable, Equatable {
        /// Half-steps applied to it.
        public var appliedHalfSteps: Int
        /// As the workers compute it.
        public var digest: UInt64

        /// Both.
        public init(appliedHalfSteps: Int, digest: UInt64) {
            self.appliedHalfSteps = appliedHalfSteps
            self.digest = digest
        }
    }

    /// What to do about a gradient that is not finite whoever computes it.
    public enum NonFinitePolicy: String, Sendable, Codable, CaseIterable {
        /// End the run.
        case stop
        /// Pass over the half-step: the state stays as it is.
        case skip
    }

    /// What the caller is to do or to know.
    public enum Action: Sendable, Equatable {
        /// Send to the worker with this key.
        case send(to: UInt64, ControlMessage)
        /// Answer a worker's request for a part of the base.
        case sendState(to: UInt64, offset: Int)
        /// A worker is ready; so many are now.
        case joined(name: String, count: Int)
        /// A worker was not wanted, and why.
        case refused(name: String, reason: String)
        /// The first generation begins: the training starts, or goes on from a checkpoint.
        case trainingStarted(workers: Int, standBys: Int)
        /// A generation is being made, and why. Its members compute nothing until it begins.
        case generationChanged(number: Int, workers: Int, standBys: Int, reason: String)
        /// A generation begins with this half-step. `waited` is the time since the generation before it was given up.
        case generationBegan(number: Int, halfStep: Int, waited: Duration)
        /// Loss sums of whole batches, in order, none left out.
        case losses(first: Int, [LossEntry])
        /// A training state that a worker offered, for a checkpoint. Other members' digests have been compared with its.
        case snapshot(Base, bytes: [UInt8])
        /// What was computed after this state is not to be trusted: its losses, and states that follow from it, are to be
        /// forgotten. It is the base or snapshot that a `StateHistory` of them goes back to.
        case rewound(to: Base, reason: String)
        /// The members have stopped as `suspend` asked; `bytes` is nil when their state is the base.
        case suspended(bytes: [UInt8]?)
        /// The state is the same everywhere: `bytes` is nil when it is the base. Tasks may be dispatched.
        case selecting(StateReport, bytes: [UInt8]?)
        /// What came of a task; possibly of one that was answered before.
        case result(TaskAssignment, TaskResult, from: UInt64)
        /// A worker is gone and the run goes on; these tasks have to be dispatched again.
        case lost(name: String, reason: String, tasks: [TaskAssignment])
        /// A member takes so many times as long for a shard as the others, and stands by now or holds them up.
        case slow(name: String, times: Double, standsBy: Bool)
        /// Every worker is gone; the run waits so long for another.
        case abandoned(wait: Duration)
        /// A half-step is passed over, since this shard's gradient is not finite whoever computes it.
        case skipped(halfStep: Int, shard: Int)
        /// The run cannot go on.
        case fail(Failure)
    }

    /// Why a run cannot go on.
    public enum Failure: Error, Sendable, Equatable {
        /// Fewer workers than expected came in time.
        case tooFewWorkers(ready: Int, expected: Int)
        /// Every worker is gone, and none came in time.
        case abandoned(waited: Duration, last: String)
        /// These workers were lost, one after the other, over the same shards of the same work.
        case hopeless(work: String, shards: Range<Int>, workers: [String], reason: String)
        /// Two workers found that a shard's gradient is not finite.
        case nonFinite(halfStep: Int, shard: Int)
        /// An audit found different gradients again and again, and nobody can tell who is right.
        case undecided(reason: String)
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
    /// Workers that may be lost over one half-step, or one task.
    static let attempts = 3

    let plan: Plan
    /// Whether the workers are those of a run before.
    let isFollowing: Bool
    let started: Duration
    var phase = Phase.gathering
    var workers: [UInt64: Worker] = [:]
    /// Keys in order of joining.
    var order: [UInt64] = []
    var numericDigest: UInt64?

    /// The newest generation, 0 before the first.
    public internal(set) var generation = 0
    var members: [Membership.Member] = []
    /// Whether the members have the same state and may compute.
    var hasBegun = false
    /// The generation is to stop, not to begin.
    var isSuspending = false
    /// Whether it has applied a half-step.
    var hasGotOn = false
    var target: Synchronization?
    /// When the generation before was given up.
    var changed: Duration
    /// When the present generation was made.
    var assembled: Duration
    /// Shift of the members among the runs of shards, so that another computes what one could not.
    var rotation = 0
    /// Why a generation is to be made as soon as the present one has got on; nil when none is.
    var wantedChange: String?
    var lease = 0
    var knownLosses: Int
    var lastProgress: Duration
    /// The slowest of late half-steps, for one shard.
    var shardTimes: [Duration] = []
    var skipped: [Int]
    /// Who found that a half-step has a gradient that is not finite.
    var nonFinite: (halfStep: Int, workers: [UInt64], times: Int)?
    /// Members lost since the training last got on.
    var losses: [(name: String, shards: Range<Int>, reason: String)] = []
    /// Workers lost while they computed a task that has not been answered since.
    var lostOverTask: [(task: TaskAssignment, worker: String)] = []
    /// Times that workers were ejected, by name.
    var strikes: [String: Int] = [:]
    /// Of the present generation: who says of a member that its gradient is wrong.
    var accusers: [UInt64: Set<UInt64>] = [:]
    /// By worker: its numbers of half-steps before this one are right, as far as is known.
    var verified: [UInt64: Int] = [:]
    /// A half-step's audit of which nobody can tell who is right, and how often that was so.
    var undecided: (halfStep: Int, times: Int)?
    /// The first base and the last snapshots.
    var bases: StateHistory<Base>
    /// What the members have is not to be trusted until the generation begins.
    var isRewinding = false
    /// Shards that several members computed.
    public internal(set) var auditedShards = 0

    var nextPing: Duration
    var base: Base
    var assembly: (source: UInt64, base: Base, state: StateAssembly)?
    /// A snapshot whose digest the members have not compared yet.
    var unconfirmed: (base: Base, bytes: [UInt8])?
    var reference: StateReport?
    var nextTask = 0
    /// With the names of workers that are not to get them.
    var tasks: [Int: (assignment: TaskAssignment, excluded: Set<String>)] = [:]
    var answered: Set<Int> = []
    var averageTaskTime: Duration?
    var abandonedSince: Duration?
    var lastLoss = ""
    var departed = WorkerCounters()
    /// Tasks given to a second worker.
    public internal(set) var duplicatedTasks = 0
    /// Why the run ended, once it has; empty for a complete one.
    var finishReason: String?

    /// Waits for workers.
    public init(plan: Plan, at now: Duration) { self.init(plan: plan, isFollowing: false, at: now) }

    /// Waits for the workers of a run that is over, in which they were told to join another one. What is known of them stays known.
    ///
    /// The run begins when as many are ready as there were, or with those that are, when the others have been silent for too long. If
    /// none comes, it ends as one whose workers are all gone.
    public init(plan: Plan, following former: CoordinatorMachine, at now: Duration) {
        var plan = plan
        plan.expectedWorkers = max(former.readyWorkers, 1)
        self.init(plan: plan, isFollowing: true, at: now)
        numericDigest = former.numericDigest
        strikes = former.strikes
        abandonedSince = now
        lastLoss =
            former.order.last.flatMap { former.workers[$0]?.hello }.map {
                "\($0.name) on \($0.host): it has not come back for the next stage"
            } ?? former.lastLoss
    }

    private init(plan: Plan, isFollowing: Bool, at now: Duration) {
        self.plan = plan
        self.isFollowing = isFollowing
        started = now
        lastProgress = now
        nextPing = now
        changed = now
        assembled = now
        base = plan.base
        bases = StateHistory(plan.base) { $0.appliedHalfSteps }
        knownLosses = plan.knownLosses
        skipped = plan.skipped
    }

    /// When `tick` is to be called next.
    public var deadline: Duration { nextPing }

    /// Workers that are ready.
    public var readyWorkers: Int { workers.values.count { $0.isReady } }

    /// Whether this worker has joined and is not lost.
    public func knows(_ worker: UInt64) -> Bool { workers[worker] != nil }

    /// What all workers counted, those that are gone included.
    public var counters: WorkerCounters {
        workers.values.reduce(departed) { $0 + $1.counters }
    }

    /// Half-steps that are passed over.
    public var skippedHalfSteps: [Int] { skipped }

    /// Whether the work has begun.
    public var hasStarted: Bool { phase == .gathering ? isFollowing : phase != .finishing }

    /// Lets the members finish, and asks the furthest for its state. Afterwards nothing is computed any more.
    public mutating func suspend(at now: Duration) -> [Action] {
        guard phase == .training, !members.isEmpty else { return [.suspended(bytes: nil)] }
        isSuspending = true
        assembly = nil
        return change("the run is interrupted", at: now)
    }

    func isMember(_ key: UInt64) -> Bool { members.contains { $0.worker == key } }

    /// What this worker is called.
    public func name(of worker: UInt64) -> String? { workers[worker]?.hello.name }

    /// Ends the run: every worker is told, until it has answered or is gone.
    public mutating func finish(reason: String, at now: Duration) -> [Action] {
        guard phase != .finishing else { return [] }
        phase = .finishing
        finishReason = reason
        nextPing = now + CoordinatorMachine.pingInterval
        return order.filter { workers[$0] != nil }.map { .send(to: $0, .finish(reason: reason)) }
    }

    /// Ends the run for another one: every worker is told to join anew. That run tells those who do not hear it.
    public func handOver(reason: String) -> [Action] {
        order.map { .send(to: $0, .dismissal(reason: reason, resetState: false)) }
    }

    /// Whether the workers are being told that the run is over.
    public var isFinishing: Bool { phase == .finishing }

    /// Whether every worker has answered the end of the run.
    public var isEveryoneGone: Bool { phase == .finishing && workers.isEmpty }

    /// Whether the base is the state of the finished training.
    var hasTrainedBase: Bool { base.appliedHalfSteps == plan.halfSteps }

    var offersState: Bool { phase == .selecting || (phase == .collecting && hasTrainedBase) }

    func ping() -> ControlMessage {
        .ping(
            generation: generation, lease: hasBegun ? lease : 0, knownLosses: knownLosses, offersState: offersState)
    }
}

extension CoordinatorMachine {
    struct Worker: Sendable {
        let hello: Hello
        var lastHeard: Duration
        /// When it last did some work, or had nothing to do.
        var lastWork: Duration
        /// Since when its connection is known to be cut.
        var unreachableSince: Duration?
        var isReady = false
        var generation = 0
        /// In the present generation.
        var applied = 0
        /// Its answer to the present generation.
        var standing: Base?
        /// Not a member before this time, if others are there.
        var restsUntil: Duration?
        /// How often it had to rest.
        var rests = 0
        var pace = Pace()
        /// No member while there are others, since it is slow.
        var standsBy = false
        var isBusy = false
        var work = 0
        var awaited: [Int] = []
        var counters = WorkerCounters()
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
