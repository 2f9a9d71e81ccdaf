extension AllReduceMachine {
    /// What this rank sent in a half-step, kept to be sent again.
    struct Sent: Sendable {
        let halfStep: Int
        let stateDigest: UInt64
        var losses: [LossEntry]?
        var audit: UInt64?
        var chunks: [WantedItem: GradientChunk] = [:]
    }

    /// A half-step under way.
    struct Round: Sendable {
        let halfStep: Int
        let elements: Int
        let stateDigest: UInt64
        var sent: Sent
        /// By rank.
        var losses: [[LossEntry]?]
        /// By rank.
        var audits: [UInt64?]
        /// Of own chunks, by chunk and lower bound of the subtree, until they are complete.
        var parts: [Int: [Int: Part]] = [:]
        /// Own chunks that the caller adds up or has added up.
        var reducing: Set<Int> = []
        /// By chunk: the final sum is here.
        var placed: [Bool]
        /// Chunks not placed.
        var missing: Int
        var lastArrival: Duration
        /// When the last of those that are known to have ended their computation did so.
        var lastComputed: Duration
        var isComplete = false

        init(
            halfStep: Int, elements: Int, chunkElements: Int, stateDigest: UInt64, ranks: Int, now: Duration
        ) {
            self.halfStep = halfStep
            self.elements = elements
            self.stateDigest = stateDigest
            sent = Sent(halfStep: halfStep, stateDigest: stateDigest)
            losses = Array(repeating: nil, count: ranks)
            audits = Array(repeating: nil, count: ranks)
            missing = (elements + chunkElements - 1) / chunkElements
            placed = Array(repeating: false, count: missing)
            lastArrival = now
            lastComputed = now
        }

        /// False when the part was there before.
        mutating func add(_ part: Part, to chunk: Int) -> Bool {
            if reducing.contains(chunk) || parts[chunk]?[part.subtree.lowerBound] != nil { return false }
            parts[chunk, default: [:]][part.subtree.lowerBound] = part
            return true
        }

        mutating func markPlaced(_ chunk: Int) {
            guard placed.indices.contains(chunk), !placed[chunk] else { return }
            placed[chunk] = true
            missing -= 1
        }
    }

    /// What an early message is about.
    struct EarlyKey: Hashable, Sendable {
        let sender: Int
        let item: WantedItem
    }
}

extension MeshEnvelope {
    /// A fixed order among the messages of one sender.
    var order: Int {
        if case .chunk(let chunk) = message { chunk.index + 1 } else { 0 }
    }
}
