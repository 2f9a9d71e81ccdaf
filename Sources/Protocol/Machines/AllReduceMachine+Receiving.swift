extension AllReduceMachine {
    /// Takes a message from a peer. Whatever cannot be is counted and dropped.
    /// - Throws: `AllReduceError.stateMismatch` when the peer's state differs from ours.
    public mutating func receive(_ envelope: MeshEnvelope, at now: Duration) throws(AllReduceError) -> [Action] {
        guard envelope.generation == generation else {
            counters.stale += 1
            return []
        }
        guard runs.indices.contains(envelope.sender), envelope.sender != rank else {
            counters.rejected += 1
            return []
        }
        switch envelope.message {
        case .request(let wanted): return answer(wanted, from: envelope.sender, halfStep: envelope.halfStep)
        case .stateRequest, .stateChunk: return []
        case .losses, .chunk: break
        }
        if envelope.halfStep == next {
            keepEarly(envelope)
            return []
        }
        guard let current = round, envelope.halfStep == current.halfStep else {
            counters.stale += 1
            return []
        }
        if current.isComplete {
            counters.duplicates += 1
            return []
        }
        switch envelope.message {
        case .request, .stateRequest, .stateChunk: return []
        case .losses(let losses, let digest, let audit):
            try compare(digest, with: current, rank: envelope.sender)
            return take(losses, audit: audit, from: envelope.sender, at: now)
        case .chunk(let chunk):
            guard isPossible(chunk, from: envelope.sender, elements: current.elements) else {
                counters.rejected += 1
                return []
            }
            try compare(chunk.stateDigest, with: current, rank: envelope.sender)
            return take(chunk, at: now)
        }
    }

    private func compare(_ digest: UInt64, with round: Round, rank other: Int) throws(AllReduceError) {
        if digest != round.stateDigest {
            throw .stateMismatch(
                halfStep: round.halfStep, rank: rank, digest: round.stateDigest, other: other, otherDigest: digest)
        }
    }

    private mutating func take(
        _ losses: [LossEntry], audit: UInt64?, from sender: Int, at now: Duration
    ) -> [Action] {
        guard losses.count == runs[sender].count else {
            counters.rejected += 1
            return []
        }
        if round?.losses[sender] != nil {
            counters.duplicates += 1
            return []
        }
        round?.losses[sender] = losses
        round?.audits[sender] = audit
        round?.lastArrival = now
        round?.lastComputed = now
        return finishIfComplete()
    }

    private mutating func take(_ chunk: GradientChunk, at now: Duration) -> [Action] {
        round?.lastArrival = now
        if chunk.subtree != whole {
            return takePart(chunk: chunk.index, Part(subtree: chunk.subtree, bytes: chunk.bytes))
        }
        guard round?.placed[chunk.index] == false else {
            counters.duplicates += 1
            return []
        }
        round?.markPlaced(chunk.index)
        return [.place(chunk: chunk.index, bytes: chunk.bytes)] + finishIfComplete()
    }

    private func isPossible(_ chunk: GradientChunk, from sender: Int, elements: Int) -> Bool {
        let first = chunk.index * chunkElements
        guard first < elements, chunk.bytes.count == min(chunkElements, elements - first) * 4 else { return false }
        if chunk.subtree == whole { return owner(of: chunk.index) == sender }
        return owner(of: chunk.index) == rank && subtrees[sender].contains(chunk.subtree)
    }

    /// Keeps a message of the next half-step; a peer can be one ahead, never two. Bounded, since keys are.
    private mutating func keepEarly(_ envelope: MeshEnvelope) {
        let key: EarlyKey
        switch envelope.message {
        case .request, .stateRequest, .stateChunk: return
        case .losses: key = EarlyKey(sender: envelope.sender, item: .losses)
        case .chunk(let chunk):
            guard chunk.index < maximumChunks,
                chunk.subtree == whole || subtrees[envelope.sender].contains(chunk.subtree)
            else {
                counters.rejected += 1
                return
            }
            key = EarlyKey(sender: envelope.sender, item: .chunk(index: chunk.index, subtree: chunk.subtree))
        }
        if early.updateValue(envelope, forKey: key) != nil { counters.duplicates += 1 }
    }

    private func answer(_ wanted: [WantedItem], from sender: Int, halfStep: Int) -> [Action] {
        let candidates = [round?.sent, previous].compactMap { $0 }
        guard let sent = candidates.first(where: { $0.halfStep == halfStep }) else { return [] }
        return wanted.compactMap { item in
            switch item {
            case .losses:
                sent.losses.map { losses in
                    .send(
                        to: sender, halfStep: halfStep,
                        .losses(losses, stateDigest: sent.stateDigest, audit: sent.audit))
                }
            case .chunk:
                sent.chunks[item].map { .send(to: sender, halfStep: halfStep, .chunk($0)) }
            }
        }
    }
}
