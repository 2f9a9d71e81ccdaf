/// A message between the coordinator and one worker.
public struct ControlEnvelope: Sendable, Equatable {
    /// The run, drawn by the coordinator at its start; 0 in a `Hello`.
    public var run: UInt64
    /// The worker's key, drawn by the worker at its start.
    public var worker: UInt64
    /// What is said.
    public var message: ControlMessage

    /// A message of a run, to or from a worker.
    public init(run: UInt64, worker: UInt64, message: ControlMessage) {
        self.run = run
        self.worker = worker
        self.message = message
    }
}

/// What the coordinator and a worker say to each other.
public enum ControlMessage: Sendable, Equatable {
    /// Worker: wants to join.
    case hello(Hello)
    /// Worker: has loaded the images.
    case ready(Ready)
    /// Worker: its state as it is now, several times a second.
    case status(WorkerStatus)
    /// Worker of the lowest rank: loss sums of whole batches.
    case progress(first: Int, losses: [LossEntry])
    /// Worker: what its training state is.
    case stateReport(StateReport)
    /// Worker: what came of a strength task.
    case taskResult(TaskResult)
    /// Worker: cannot go on, and why.
    case failure(reason: String)
    /// Worker: goes away in order, and why.
    case leave(reason: String)
    /// Worker: its answer to a generation; from now on it takes part in no older one.
    case standing(Standing)
    /// Worker: cannot go on in this generation.
    case objection(Objection)
    /// Worker of the lowest rank: the state after so many half-steps can be asked for.
    case snapshotOffer(appliedHalfSteps: Int, digest: UInt64)
    /// Coordinator: the run's configuration, JSON.
    case welcome(configuration: [UInt8])
    /// Coordinator: does not want this worker, and why.
    case refusal(reason: String)
    /// Coordinator: who computes which shards.
    case generation(Membership)
    /// Coordinator: what a member's state has to be before the generation begins, and who has it.
    case synchronize(Synchronization)
    /// Coordinator: the receiver is no member of the run any more and may join anew.
    case dismissal(reason: String, resetState: Bool)
    /// Coordinator: its state as it is now. Half-steps below `lease` may be computed in `generation`; losses below
    /// `knownLosses` are known; who has no training state can ask for it when `offersState`.
    case ping(generation: Int, lease: Int, knownLosses: Int, offersState: Bool)
    /// Coordinator: a unit of selection work.
    case task(TaskAssignment)
    /// Coordinator: a task that need not be computed if it has not been begun.
    case revoke(id: Int)
    /// Coordinator: the run is over; `reason` is empty when it is complete.
    case finish(reason: String)
    /// Either way: asks for the bytes, from an offset, of the training state after so many half-steps.
    case stateRequest(StateRequest)
    /// Either way: a part of the training state.
    case stateChunk(StateChunk)
}

/// How a worker introduces itself.
public struct Hello: Sendable, Equatable {
    /// Version of the program.
    public var build: String
    /// For people.
    public var name: String
    /// Name of the machine.
    public var host: String
    /// Process id.
    public var pid: Int
    /// Digest of a short computation through every kernel family.
    public var numericDigest: UInt64
    /// Where other workers reach this one.
    public var meshEndpoint: String
    /// What the worker's connection has proved; nil where the run goes without keys. It is not sent: the receiver sets
    /// it, since what a worker says of itself proves nothing.
    public var publicKey: PublicKey?

    /// All fields that are sent.
    public init(build: String, name: String, host: String, pid: Int, numericDigest: UInt64, meshEndpoint: String) {
        self.build = build
        self.name = name
        self.host = host
        self.pid = pid
        self.numericDigest = numericDigest
        self.meshEndpoint = meshEndpoint
    }
}

/// What images a worker has loaded.
public struct Ready: Sendable, Equatable {
    /// SHA-256 in hexadecimal.
    public var datasetDigest: String
    /// Images in the set.
    public var imageCount: Int

    /// All fields.
    public init(datasetDigest: String, imageCount: Int) {
        self.datasetDigest = datasetDigest
        self.imageCount = imageCount
    }
}

/// Shards of the training that were computed, and how long that took.
public struct ShardTally: Sendable, Equatable {
    /// Their number.
    public var shards: Int
    /// The time for all of them.
    public var microseconds: Int

    /// Both.
    public init(shards: Int = 0, microseconds: Int = 0) {
        self.shards = shards
        self.microseconds = microseconds
    }
}

/// A worker's state as it is now: what was lost on the way is seen by comparing.
public struct WorkerStatus: Sendable, Equatable {
    /// How far it is with joining.
    public enum Phase: Int, Sendable {
        /// Has no configuration.
        case starting = 0
        /// Loads the images.
        case loading = 1
        /// Can work.
        case ready = 2
    }

    /// How far it is with joining.
    public var phase: Phase
    /// The generation it knows, 0 for none.
    public var generation: Int
    /// Half-steps applied so far.
    public var appliedHalfSteps: Int
    /// Strength tasks that it has and has not answered, the one it computes first.
    public var tasks: [Int]
    /// Grows with every shard computed and every part of a state received.
    public var work: Int
    /// The compute thread has something to do, and does not wait for others.
    public var isBusy: Bool
    /// Ranks whose contributions to the half-step under way have not come.
    public var awaited: [Int]
    /// What happened since the worker's start.
    public var counters: WorkerCounters
    /// What it computed of the training since its start.
    public var trained: ShardTally

    /// All fields.
    public init(
        phase: Phase, generation: Int, appliedHalfSteps: Int, tasks: [Int], work: Int = 0, isBusy: Bool = false,
        awaited: [Int] = [], counters: WorkerCounters = WorkerCounters(), trained: ShardTally = ShardTally()
    ) {
        self.trained = trained
        self.phase = phase
        self.generation = generation
        self.appliedHalfSteps = appliedHalfSteps
        self.tasks = tasks
        self.work = work
        self.isBusy = isBusy
        self.awaited = awaited
        self.counters = counters
    }
}

/// What a worker counts, since its start.
public struct WorkerCounters: Sendable, Equatable {
    /// Messages between workers that were not used: of older generations or half-steps, repeated, or impossible.
    public var dropped = 0
    /// Requests for parts of a gradient that did not come.
    public var requested = 0
    /// Half-steps that were begun and then given up for a newer generation.
    public var repeated = 0
    /// Time that went by between the end of the own computation of half-steps and their sums.
    public var waitedMicroseconds = 0
    /// Of that, what went by after every member had ended its computation.
    public var exchangeMicroseconds = 0
    /// Processor time, in half-steps, of all threads but the one that computes.
    public var networkMicroseconds = 0

    /// Nothing yet.
    public init() {}

    static func + (a: WorkerCounters, b: WorkerCounters) -> WorkerCounters { a.combined(with: b, +) }

    static func - (a: WorkerCounters, b: WorkerCounters) -> WorkerCounters { a.combined(with: b, -) }

    private func combined(with other: WorkerCounters, _ combine: (Int, Int) -> Int) -> WorkerCounters {
        var result = self
        for field in WorkerCounters.fields {
            result[keyPath: field] = combine(self[keyPath: field], other[keyPath: field])
        }
        return result
    }

    private static var fields: [WritableKeyPath<WorkerCounters, Int>] {
        [
            \.dropped, \.requested, \.repeated, \.waitedMicroseconds, \.exchangeMicroseconds, \.networkMicroseconds,
        ]
    }
}

/// A member's answer to a generation.
public struct Standing: Sendable, Equatable {
    /// The generation that is answered.
    public var generation: Int
    /// Half-steps applied; no more are before the generation begins.
    public var appliedHalfSteps: Int
    /// Of the state.
    public var digest: UInt64
    /// The half-step of the first of `losses`.
    public var first: Int
    /// Loss sums of half-steps up to the last one applied, as far as the coordinator may not know them.
    public var losses: [LossEntry]

    /// All fields.
    public init(generation: Int, appliedHalfSteps: Int, digest: UInt64, first: Int, losses: [LossEntry]) {
        self.generation = generation
        self.appliedHalfSteps = appliedHalfSteps
        self.digest = digest
        self.first = first
        self.losses = losses
    }
}

/// What every member's state has to be before a generation begins.
public struct Synchronization: Sendable, Equatable {
    /// The generation that is to begin.
    public var generation: Int
    /// Half-steps applied.
    public var appliedHalfSteps: Int
    /// Of the state.
    public var digest: UInt64
    /// The rank of the member that has it; nil for the coordinator.
    public var source: Int?

    /// All fields.
    public init(generation: Int, appliedHalfSteps: Int, digest: UInt64, source: Int?) {
        self.generation = generation
        self.appliedHalfSteps = appliedHalfSteps
        self.digest = digest
        self.source = source
    }
}

/// Why a member cannot go on in a generation.
public struct Objection: Sendable, Equatable {
    /// The generation.
    public var generation: Int
    /// The half-step that cannot be finished.
    public var halfStep: Int
    /// For people.
    public var reason: String
    /// The shard whose gradient is not finite, as the sender computed it, or of which members found different gradients;
    /// nil for states that differ.
    public var shard: Int?
    /// Of an audit: ranks that found another gradient than most, none when nobody can tell. nil for what is no audit.
    public var wrong: [Int]?

    /// All fields.
    public init(generation: Int, halfStep: Int, reason: String, shard: Int?, wrong: [Int]? = nil) {
        self.wrong = wrong
        self.generation = generation
        self.halfStep = halfStep
        self.reason = reason
        self.shard = shard
    }
}

/// Asks for a part of a training state.
public struct StateRequest: Sendable, Hashable {
    /// Half-steps applied to the state that is meant.
    public var appliedHalfSteps: Int
    /// Place of the part's first byte.
    public var offset: Int

    /// Both.
    public init(appliedHalfSteps: Int, offset: Int) {
        self.appliedHalfSteps = appliedHalfSteps
        self.offset = offset
    }
}

/// A cross-entropy summed over images.
public struct LossEntry: Sendable, Hashable {
    /// Natural units, summed over the images.
    public var loss: Double
    /// Images classified correctly.
    public var correct: Int
    /// Images in all.
    public var images: Int

    /// All fields.
    public init(loss: Double, correct: Int, images: Int) {
        self.loss = loss
        self.correct = correct
        self.images = images
    }
}

/// What a worker's training state is.
public struct StateReport: Sendable, Equatable {
    /// Half-steps applied to it.
    public var appliedHalfSteps: Int
    /// Equal on workers whose states are equal.
    public var digest: UInt64
    /// Rows of β.
    public var edges: Int
    /// β, (edges, operations).
    public var betas: [Float]

    /// All fields.
    public init(appliedHalfSteps: Int, digest: UInt64, edges: Int, betas: [Float]) {
        self.appliedHalfSteps = appliedHalfSteps
        self.digest = digest
        self.edges = edges
        self.betas = betas
    }
}

/// The numbered membership: which workers, which shards each. Ranks are places in `members`.
public struct Membership: Sendable, Equatable {
    /// One worker.
    public struct Member: Sendable, Equatable {
        /// The worker's key.
        public var worker: UInt64
        /// For people.
        public var name: String
        /// Name of its machine.
        public var host: String
        /// Where other workers reach it.
        public var meshEndpoint: String
        /// Its shards, never empty.
        public var run: Range<Int>
        /// What its connections prove; nil where the run goes without keys.
        public var publicKey: PublicKey?

        /// All fields.
        public init(
            worker: UInt64, name: String, host: String, meshEndpoint: String, run: Range<Int>,
            publicKey: PublicKey? = nil
        ) {
            self.worker = worker
            self.name = name
            self.host = host
            self.meshEndpoint = meshEndpoint
            self.run = run
            self.publicKey = publicKey
        }
    }

    /// Counted from 1.
    public var generation: Int
    /// The receiver's rank.
    public var rank: Int
    /// Shards of a batch.
    public var shards: Int
    /// Half-steps of the whole training.
    public var halfSteps: Int
    /// In order of rank.
    public var members: [Member]
    /// Every so many half-steps the lowest rank offers its state to the coordinator; 0 for never.
    public var snapshotInterval: Int
    /// Half-steps that change nothing, since their sums are not finite whoever computes them.
    public var skipped: [Int]
    /// The share of half-steps of which several members compute one shard.
    public var auditRate: Double

    /// All fields.
    public init(
        generation: Int, rank: Int, shards: Int, halfSteps: Int, members: [Member], snapshotInterval: Int = 0,
        skipped: [Int] = [], auditRate: Double = 0
    ) {
        self.auditRate = auditRate
        self.snapshotInterval = snapshotInterval
        self.skipped = skipped
        self.generation = generation
        self.rank = rank
        self.shards = shards
        self.halfSteps = halfSteps
        self.members = members
    }
}

/// A part of the training state's bytes.
public struct StateChunk: Sendable, Equatable {
    /// Half-steps applied to the state.
    public var appliedHalfSteps: Int
    /// Place of `bytes` in the whole.
    public var offset: Int
    /// Bytes of the whole.
    public var total: Int
    /// XXH64 of the whole.
    public var wholeChecksum: UInt64
    /// At most `WireLimits.stateChunk`.
    public var bytes: [UInt8]

    /// All fields.
    public init(appliedHalfSteps: Int, offset: Int, total: Int, wholeChecksum: UInt64, bytes: [UInt8]) {
        self.appliedHalfSteps = appliedHalfSteps
        self.offset = offset
        self.total = total
        self.wholeChecksum = wholeChecksum
        self.bytes = bytes
    }
}

/// A unit of selection work, with the number under which its result comes back.
public struct TaskAssignment: Sendable, Equatable {
    /// Counted from 0 in a run.
    public var id: Int
    /// The edge whose mixture an operation replaces, and that operation; nil for the supernet as it stands.
    public var replacement: (edge: Int, operation: Int)?
    /// One entry an edge: the operation decided, nil while it is mixed.
    public var decided: [Int?]
    /// Shards of the held-out images.
    public var shards: Range<Int>
    /// Where criteria are compared: the place of the one that the task is for; nil for none.
    public var criterion: Int?

    /// All fields.
    public init(
        id: Int, replacement: (edge: Int, operation: Int)?, decided: [Int?], shards: Range<Int>, criterion: Int? = nil
    ) {
        self.id = id
        self.replacement = replacement
        self.decided = decided
        self.shards = shards
        self.criterion = criterion
    }

    /// Equal in every field.
    public static func == (a: TaskAssignment, b: TaskAssignment) -> Bool {
        a.id == b.id && a.replacement?.edge == b.replacement?.edge
            && a.replacement?.operation == b.replacement?.operation && a.decided == b.decided && a.shards == b.shards
            && a.criterion == b.criterion
    }
}

/// What came of a task.
public struct TaskResult: Sendable, Equatable {
    /// The task's.
    public var id: Int
    /// Loss sums, one for each shard.
    public var losses: [LossEntry]
    /// By the alphas of each shard's mean loss, (shards, edges, operations), where the task's criterion asks for it.
    public var derivatives: [Float]

    /// All fields.
    public init(id: Int, losses: [LossEntry], derivatives: [Float] = []) {
        self.id = id
        self.losses = losses
        self.derivatives = derivatives
    }
}
