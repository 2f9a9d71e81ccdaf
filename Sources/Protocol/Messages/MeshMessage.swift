/// A message between two workers of a generation.
public struct MeshEnvelope: Sendable, Equatable {
    /// The run.
    public var run: UInt64
    /// The sender's generation.
    public var generation: Int
    /// The sender's rank.
    public var sender: Int
    /// The half-step that is spoken of.
    public var halfStep: Int
    /// What is said.
    public var message: MeshMessage

    /// All fields.
    public init(run: UInt64, generation: Int, sender: Int, halfStep: Int, message: MeshMessage) {
        self.run = run
        self.generation = generation
        self.sender = sender
        self.halfStep = halfStep
        self.message = message
    }
}

/// What two workers say to each other.
public enum MeshMessage: Sendable, Equatable {
    /// Part of a gradient, to the chunk's owner; or a finished part, from it.
    case chunk(GradientChunk)
    /// One loss sum for each shard of the sender's run, the digest of the state that they were computed from, and that of
    /// the audited shard's gradient, if the sender computed it.
    case losses([LossEntry], stateDigest: UInt64, audit: UInt64?)
    /// Asks again for what has not come.
    case request([WantedItem])
    /// Asks a member that is ahead for a part of its training state.
    case stateRequest(StateRequest)
    /// A part of the sender's training state.
    case stateChunk(StateChunk)
}

/// Part of a gradient, summed over the shards of a subtree; over all shards it is the final sum.
public struct GradientChunk: Sendable, Equatable {
    /// Place in the gradient, in chunks.
    public var index: Int
    /// Shards that are summed.
    public var subtree: Range<Int>
    /// The state that the gradient was computed from.
    public var stateDigest: UInt64
    /// Float32, little-endian; at most `WireLimits.gradientChunk` bytes.
    public var bytes: [UInt8]

    /// All fields.
    public init(index: Int, subtree: Range<Int>, stateDigest: UInt64, bytes: [UInt8]) {
        self.index = index
        self.subtree = subtree
        self.stateDigest = stateDigest
        self.bytes = bytes
    }
}

/// What a worker lacks of a half-step.
public enum WantedItem: Sendable, Hashable {
    /// The receiver's loss sums.
    case losses
    /// A chunk's sum over a subtree.
    case chunk(index: Int, subtree: Range<Int>)
}
