import Kernels
import Protocol
import Search
import Transport

extension Mesh {
    /// What the all-reduce leads to.
    enum Outcome {
        /// The sum of the half-step under way is in the buffer.
        case complete(generation: Int, losses: [LossEntry])
        /// A message about the training state.
        case state(MeshEnvelope)
        /// The half-step cannot be finished in this generation: of an audit, with the shard and the ranks that are wrong.
        case objection(halfStep: Int, reason: String, audit: (shard: Int, wrong: [Int])? = nil)
    }

    /// Takes what the compute thread tells of its half-step, unless it is of an older generation.
    func take(_ event: ComputeEvent, run: UInt64, at now: Duration) throws(TransportError) -> Outcome? {
        switch event {
        case .began(generation, let halfStep, let elements, let digest):
            return try perform(run) { machine throws(AllReduceError) in
                try machine.begin(halfStep: halfStep, elements: elements, stateDigest: digest, at: now)
            }
        case .partial(generation, let chunk, let subtree, let bytes):
            return try perform(run) { machine in
                machine.contribute(chunk: chunk, subtree: subtree, bytes: bytes, at: now)
            }
        case .computed(generation, let losses, let audit):
            return try perform(run) { machine in machine.contribute(losses: losses, audit: audit, at: now) }
        case .stands(let report, generation):
            machine?.expect(halfStep: report.appliedHalfSteps)
            return nil
        default: return nil
        }
    }

    /// Takes what has come from peers.
    func receive(run: UInt64, at now: Duration) throws(TransportError) -> [Outcome] {
        var outcomes: [Outcome] = []
        while let message = try door.socket.receive() {
            guard let envelope = door.read(message, in: membership), envelope.run == run, machine != nil else {
                discarded += 1
                continue
            }
            switch envelope.message {
            case .stateRequest, .stateChunk: outcomes.append(.state(envelope))
            case .chunk, .losses, .request:
                let outcome = try perform(run) { machine throws(AllReduceError) in
                    try machine.receive(envelope, at: now)
                }
                if let outcome { outcomes.append(outcome) }
            }
        }
        return outcomes
    }

    /// Asks again for what is missing.
    func tick(run: UInt64, at now: Duration) throws(TransportError) {
        _ = try perform(run) { machine in machine.tick(at: now) }
    }

    private func perform(
        _ run: UInt64, _ change: (inout AllReduceMachine) throws(AllReduceError) -> [AllReduceMachine.Action]
    ) throws(TransportError) -> Outcome? {
        guard var changed = machine else { return nil }
        // Taken out while it changes, so that nothing in it is copied.
        machine = nil
        defer { machine = changed }
        var actions: [AllReduceMachine.Action]
        do throws(AllReduceError) {
            actions = try change(&changed)
        } catch {
            return .objection(halfStep: error.halfStep, reason: text(error))
        }
        var outcome: Outcome?
        while !actions.isEmpty {
            var further: [AllReduceMachine.Action] = []
            for action in actions {
                switch action {
                case .send(let peer, let halfStep, let message):
                    try send(message, to: peer, halfStep: halfStep, run: run)
                case .reduce(let chunk, let parts):
                    let shards = membership?.shards ?? 0
                    guard let sum = SummationOrder.reduce(parts, shards: shards, add: add) else {
                        preconditionFailure("partial sums of chunk \(chunk) do not make up \(shards) shards")
                    }
                    further += changed.reduced(chunk: chunk, bytes: sum)
                case .place(let chunk, let bytes):
                    buffer.place(bytes, at: chunk * GradientChunks.elements)
                case .complete(let halfStep, let losses, let audits):
                    if let computed = changed.lastComputed { exchange += MonotonicClock.now - computed }
                    outcome =
                        objection(halfStep: halfStep, to: audits)
                        ?? .complete(generation: changed.generation, losses: losses)
                }
            }
            actions = further
        }
        return outcome
    }

    /// What the audit of a half-step found; nil when nothing is wrong, or when it is not audited.
    private func objection(halfStep: Int, to audits: [UInt64?]) -> Outcome? {
        guard let membership, let audit = GradientAudit(halfStep: halfStep, membership: membership),
            case .wrong(let ranks) = audit.verdict(audits)
        else { return nil }
        let names = audit.ranks.map(name).joined(separator: ", ")
        let culprits =
            ranks.isEmpty ? "who is right cannot be told" : "wrong: \(ranks.map(name).joined(separator: ", "))"
        return .objection(
            halfStep: halfStep,
            reason: "\(names) found different gradients of shard \(audit.shard) of half-step \(halfStep); \(culprits)",
            audit: (audit.shard, ranks))
    }

    func send(_ message: MeshMessage, to peer: Int, halfStep: Int, run: UInt64) throws(TransportError) {
        guard let membership, peers.indices.contains(peer), let socket = peers[peer] else { return }
        let envelope = MeshEnvelope(
            run: run, generation: membership.generation, sender: membership.rank, halfStep: halfStep,
            message: message)
        let frames: [[UInt8]]
        do throws(ProtocolError) {
            frames = try MeshCodec.encode(envelope)
        } catch {
            discarded += 1
            return
        }
        // What a full queue does not take is asked for again by the peer.
        if try socket.send(frames) != .sent { discarded += 1 }
    }

    private func text(_ error: AllReduceError) -> String {
        switch error {
        case .stateMismatch(let halfStep, let rank, let digest, let other, let otherDigest):
            "before half-step \(halfStep) the states of \(name(rank)) and \(name(other)) differ: digests "
                + "\(String(digest, radix: 16)) and \(String(otherDigest, radix: 16))"
        case .outOfOrder(let expected, let found): "half-step \(found) was begun where \(expected) comes next"
        }
    }

    private func name(_ rank: Int) -> String {
        guard let members = membership?.members, members.indices.contains(rank) else { return "rank \(rank)" }
        return "worker \(members[rank].name) on \(members[rank].host)"
    }
}

/// target += addend, element by element; both of the same size, which the all-reduce checks.
private func add(_ target: inout [UInt8], _ addend: [UInt8]) {
    target.withUnsafeMutableBytes { target in
        addend.withUnsafeBytes { addend in
            let count = min(target.count, addend.count) / 4
            guard let sum = target.assumingMemoryBound(to: Float.self).baseAddress,
                let other = addend.assumingMemoryBound(to: Float.self).baseAddress
            else { return }
            VectorAddition.add(other, to: sum, count: count)
        }
    }
}
