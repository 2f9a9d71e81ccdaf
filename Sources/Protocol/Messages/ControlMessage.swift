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
    /// Worker: a strength task's loss sums, one for each shard.
    case taskResult(id: Int, losses: [LossEntry])
    /// Worker: cannot go on, and why.
    case failure(reason: String)
    /// Worker: goes away in order, and why.
    case leave(reason: String)
    /// Coordinator: the run's configuration, JSON.
    case welcome(configuration: [UInt8])
    /// Coordinator: does not want this worker, and why.
    case refusal(reason: String)
    /// Coordinator: who computes which shards.
    case generation(Membership)
    /// Coordinator: its state as it is now. Half-steps below `lease` may be computed; losses below `knownLosses` are
    /// known; who has no training state can ask for it when `offersState`.
    case ping(lease: Int, knownLosses: Int, offersState: Bool)
    /// Coordinator: a unit of selection work.
    case task(TaskAssignment)
    /// Coordinator: a task that need not be computed if it has not been begun.
    case revoke(id: Int)
    /// Coordinator: the run is over; `reason` is empty when it is complete.
    case finish(reason: String)
    /// Either way: asks for the training state's bytes from an offset.
    case stateRequest(offset: Int)
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

    /// All fields.
    public init(phase: Phase, generation: Int, appliedHalfSteps: Int, tasks: [Int]) {
        self.phase = phase
        self.generation = generation
        self.appliedHalfSteps = appliedHalfSteps
        self.tasks = tasks
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

    /// All fields.
    public init(generation: Int, rank: Int, shards: Int, halfSteps: Int, members: [Member]) {
        self.generation = generation
        self.rank = rank
        self.shards = shards
        self.halfSteps = halfSteps
        self.members = members
    }
}

/// A part of the training state's bytes.
public struct StateChunk: Sendable, Equatable {
    /// Place of `bytes` in the whole.
    public var offset: Int
    /// Bytes of the whole.
    public var total: Int
    /// XXH64 of the whole.
    public var wholeChecksum: UInt64
    /// At most `WireLimits.stateChunk`.
    public var bytes: [UInt8]

    /// All fields.
    public init(offset: Int, total: Int, wholeChecksum: UInt64, bytes: [UInt8]) {
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

    /// All fields.
    public init(id: Int, replacement: (edge: Int, operation: Int)?, decided: [Int?], shards: Range<Int>) {
        self.id = id
        self.replacement = replacement
        self.decided = decided
        self.shards = shards
    }

    /// Equal in every field.
    public static func == (a: TaskAssignment, b: TaskAssignment) -> Bool {
        a.id == b.id && a.replacement?.edge == b.replacement?.edge
            && a.replacement?.operation == b.replacement?.operation && a.decided == b.decided && a.shards == b.shards
    }
}
