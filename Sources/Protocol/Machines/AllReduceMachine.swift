/// The sum of one gradient over all shards, half-step after half-step: reduce-scatter, then all-gather, over a full mesh.
///
/// Chunk c belongs to rank c mod world size. Every rank sends its subtrees' partial sums of a chunk to the chunk's owner
/// as soon as they are final; the owner adds them in the summation tree's order and sends the sum to all others. What
/// does not come is asked for again; what comes twice changes nothing; a chunk that was computed from another state is
/// never used. The numbers themselves are the caller's: this value says what to add and what to send.
///
/// A rank keeps what it sent in its last two half-steps. That is enough: a peer that works on half-step h + 1 has
/// applied h, and so has everything of h.
public struct AllReduceMachine: Sendable {
    /// What the caller is to do.
    public enum Action: Sendable, Equatable {
        /// Send to the worker of this rank.
        case send(to: Int, halfStep: Int, MeshMessage)
        /// Add these partial sums as `SummationOrder` says, and pass the result to `reduced`.
        case reduce(chunk: Int, parts: [Part])
        /// A final sum: put it in its place.
        case place(chunk: Int, bytes: [UInt8])
        /// Every chunk is placed; these are the loss sums of all shards in order, and by rank the digests of the audited
        /// shard's gradient.
        case complete(halfStep: Int, losses: [LossEntry], audits: [UInt64?])
    }

    /// A partial sum.
    public struct Part: Sendable, Equatable {
        /// The shards it is summed over.
        public var subtree: Range<Int>
        /// Float32, little-endian.
        public var bytes: [UInt8]
    }

    /// What was received and not used.
    public struct Counters: Sendable, Equatable {
        /// Of older generations or half-steps, or of half-steps too far ahead.
        public var stale = 0
        /// Received before.
        public var duplicates = 0
        /// From a rank, about a chunk or of a size that cannot be.
        public var rejected = 0
        /// Requests sent for what did not come.
        public var requests = 0

        /// Nothing.
        public init() {}
    }

    /// How long nothing may come before what is missing is asked for again.
    public static let requestInterval = Duration.milliseconds(400)

    let rank: Int
    let shards: Int
    /// The shards of each rank.
    let runs: [Range<Int>]
    /// The complete subtrees inside each rank's run.
    let subtrees: [[Range<Int>]]
    /// Messages of others are dropped.
    public let generation: Int
    let chunkElements: Int
    let maximumChunks: Int
    /// The half-step that `begin` is to be called with next.
    var next: Int
    var round: Round?
    var previous: Sent?
    /// Of half-step `next`, from peers that are one ahead.
    var early: [EarlyKey: MeshEnvelope] = [:]
    /// What was received and not used.
    public internal(set) var counters = Counters()

    /// - Parameters:
    ///   - subtrees: for each rank the complete subtrees of the summation tree inside its run.
    ///   - firstHalfStep: the first one that `begin` will be called with, unless `expect` names another.
    ///   - maximumElements: floats of the largest gradient. - chunkElements: floats of a chunk but the last one.
    public init(
        generation: Int, rank: Int, shards: Int, runs: [Range<Int>], subtrees: [[Range<Int>]], firstHalfStep: Int,
        maximumElements: Int, chunkElements: Int
    ) {
        precondition(runs.count == subtrees.count && runs.indices.contains(rank))
        self.generation = generation
        self.rank = rank
        self.shards = shards
        self.runs = runs
        self.subtrees = subtrees
        self.chunkElements = chunkElements
        maximumChunks = (maximumElements + chunkElements - 1) / chunkElements
        next = firstHalfStep
    }

    var worldSize: Int { runs.count }
    var whole: Range<Int> { 0..<shards }
    func owner(of chunk: Int) -> Int { chunk % worldSize }

    /// Whether a half-step is under way.
    public var isActive: Bool { round.map { !$0.isComplete } ?? false }

    /// The generation begins with this half-step. Before the first `begin`.
    public mutating func expect(halfStep: Int) {
        if round == nil, previous == nil { next = halfStep }
    }

    /// Ranks whose contributions to the half-step under way have not come.
    public var awaited: [Int] {
        guard let round, !round.isComplete else { return [] }
        return (0..<worldSize).filter { $0 != rank && round.losses[$0] == nil }
    }

    /// When the last member ended its computation of the half-step under way, or of the last one, as far as is known here.
    public var lastComputed: Duration? { round?.lastComputed }

    /// Starts a half-step whose gradient has `elements` floats.
    public mutating func begin(
        halfStep: Int, elements: Int, stateDigest: UInt64, at now: Duration
    ) throws(AllReduceError) -> [Action] {
        guard halfStep == next, !isActive else { throw .outOfOrder(expected: next, found: halfStep) }
        previous = round?.sent
        round = Round(
            halfStep: halfStep, elements: elements, chunkElements: chunkElements, stateDigest: stateDigest,
            ranks: worldSize, now: now)
        next = halfStep + 1
        var actions: [Action] = []
        let waiting = early.values.sorted { ($0.sender, $0.order) < ($1.sender, $1.order) }
        early.removeAll(keepingCapacity: true)
        for envelope in waiting { actions += try receive(envelope, at: now) }
        return actions
    }

    /// Takes this rank's own partial sum of a chunk.
    public mutating func contribute(
        chunk: Int, subtree: Range<Int>, bytes: [UInt8], at now: Duration
    ) -> [Action] {
        guard let halfStep = round?.halfStep, let digest = round?.stateDigest else { return [] }
        let owner = owner(of: chunk)
        if owner == rank { return takePart(chunk: chunk, Part(subtree: subtree, bytes: bytes)) }
        let message = GradientChunk(index: chunk, subtree: subtree, stateDigest: digest, bytes: bytes)
        round?.sent.chunks[.chunk(index: chunk, subtree: subtree)] = message
        return [.send(to: owner, halfStep: halfStep, .chunk(message))]
    }

    /// Takes the loss sums of this rank's own shards, and the digest of the audited shard's gradient if it computed it:
    /// its part of the computation is then done.
    public mutating func contribute(losses: [LossEntry], audit: UInt64? = nil, at now: Duration) -> [Action] {
        guard let halfStep = round?.halfStep, let digest = round?.stateDigest else { return [] }
        round?.losses[rank] = losses
        round?.audits[rank] = audit
        round?.sent.losses = losses
        round?.sent.audit = audit
        round?.lastArrival = now
        round?.lastComputed = now
        var actions: [Action] = (0..<worldSize).filter { $0 != rank }.map { peer in
            .send(to: peer, halfStep: halfStep, .losses(losses, stateDigest: digest, audit: audit))
        }
        actions += finishIfComplete()
        return actions
    }

    /// Takes the sum that `.reduce` asked for.
    public mutating func reduced(chunk: Int, bytes: [UInt8]) -> [Action] {
        guard let halfStep = round?.halfStep, let digest = round?.stateDigest else { return [] }
        var actions: [Action] = [.place(chunk: chunk, bytes: bytes)]
        if worldSize > 1 {
            let message = GradientChunk(index: chunk, subtree: whole, stateDigest: digest, bytes: bytes)
            let item = WantedItem.chunk(index: chunk, subtree: whole)
            round?.sent.chunks[item] = message
            for peer in 0..<worldSize where peer != rank {
                actions.append(.send(to: peer, halfStep: halfStep, .chunk(message)))
            }
        }
        round?.markPlaced(chunk)
        actions += finishIfComplete()
        return actions
    }

    mutating func takePart(chunk: Int, _ part: Part) -> [Action] {
        let isNew = round?.add(part, to: chunk) ?? false
        if !isNew {
            counters.duplicates += 1
            return []
        }
        let expected = subtrees.reduce(0) { $0 + $1.count }
        guard let parts = round?.parts[chunk], parts.count == expected else { return [] }
        round?.parts[chunk] = nil
        round?.reducing.insert(chunk)
        return [.reduce(chunk: chunk, parts: parts.values.sorted { $0.subtree.lowerBound < $1.subtree.lowerBound })]
    }

    mutating func finishIfComplete() -> [Action] {
        guard var finished = round, !finished.isComplete, finished.missing == 0 else { return [] }
        var losses: [LossEntry] = []
        for entry in finished.losses {
            guard let entry else { return [] }
            losses += entry
        }
        finished.isComplete = true
        round = finished
        return [.complete(halfStep: finished.halfStep, losses: losses, audits: finished.audits)]
    }
}
