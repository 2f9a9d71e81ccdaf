/// How a generation comes about. The workers that are to be its members are told; each gives up what it was computing,
/// and answers how far its state is. The furthest state counts, since it comes of complete sums; members that are behind
/// take it from one that has it, or from the coordinator. When all have the same state the generation begins.
extension CoordinatorMachine {
    /// Makes a new generation of the workers that are ready.
    mutating func change(_ reason: String, at now: Duration) -> [Action] {
        guard phase == .training else { return [] }
        if hasBegun { changed = now }
        generation += 1
        hasBegun = false
        wantedChange = nil
        target = nil
        accusers = [:]
        assembled = now
        for key in order {
            workers[key]?.standing = nil
            workers[key]?.report = nil
            workers[key]?.lastWork = now
        }
        let ready = order.filter { workers[$0]?.isReady == true }
        let fast = ready.filter { workers[$0]?.standsBy == false }
        let rested = (fast.isEmpty ? ready : fast).filter { workers[$0]?.restsUntil.map { now >= $0 } ?? true }
        let candidates = rested.isEmpty ? ready : rested
        // Those that have the state come first.
        let former = Set(members.map(\.worker))
        var chosen = candidates.filter(former.contains) + candidates.filter { !former.contains($0) }
        chosen = Array(chosen.prefix(plan.shards))
        if !chosen.isEmpty {
            let shift = rotation % chosen.count
            chosen = Array(chosen[shift...] + chosen[..<shift])
        }
        members = zip(chosen, plan.runs(max(chosen.count, 1))).compactMap { key, run in
            guard let hello = workers[key]?.hello, !run.isEmpty else { return nil }
            return Membership.Member(
                worker: key, name: hello.name, host: hello.host, meshEndpoint: hello.meshEndpoint, run: run,
                publicKey: hello.publicKey)
        }
        if members.isEmpty { return [] }
        return [
            .generationChanged(
                number: generation, workers: members.count, standBys: ready.count - members.count, reason: reason)
        ] + members.indices.map { .send(to: members[$0].worker, .generation(membership(rank: $0))) }
    }

    func membership(rank: Int) -> Membership {
        Membership(
            generation: generation, rank: rank, shards: plan.shards, halfSteps: plan.halfSteps, members: members,
            snapshotInterval: plan.snapshotInterval, skipped: skipped, auditRate: plan.auditRate)
    }

    mutating func take(_ standing: Standing, from key: UInt64, at now: Duration) -> [Action] {
        guard phase == .training, !hasBegun, standing.generation == generation, isMember(key),
            standing.appliedHalfSteps <= plan.halfSteps
        else { return [] }
        let actions = isRewinding ? [] : learn(standing.losses, first: standing.first)
        workers[key]?.standing = Base(appliedHalfSteps: standing.appliedHalfSteps, digest: standing.digest)
        if let target, standing.appliedHalfSteps == target.appliedHalfSteps, standing.digest != target.digest {
            // What its source has now is not what it had when it answered: all are asked again.
            return actions + change("a state that was handed on is not what it should be", at: now)
        }
        return actions + settle(at: now)
    }

    /// Begins the generation if its members have the same state, or orders those that are behind to take it.
    private mutating func settle(at now: Duration) -> [Action] {
        let standings = members.compactMap { workers[$0.worker]?.standing }
        guard standings.count == members.count, !members.isEmpty else { return [] }
        if target == nil {
            switch choose(standings) {
            case .target(let chosen): target = chosen
            case .astray(let keys, let reason): return ejectAstray(keys, reason: reason, at: now)
            }
        }
        guard let target else { return [] }
        if isSuspending { return halt(at: target, at: now) }
        if standings.allSatisfy({ $0.appliedHalfSteps == target.appliedHalfSteps && $0.digest == target.digest }) {
            return begin(target, at: now)
        }
        return orderSynchronization()
    }

    /// Asks the member that is furthest for its state, in place of a beginning.
    private mutating func halt(at target: Synchronization, at now: Duration) -> [Action] {
        guard let source = target.source else { return [.suspended(bytes: nil)] }
        guard assembly == nil else { return [] }
        let found = Base(appliedHalfSteps: target.appliedHalfSteps, digest: target.digest)
        assembly = (
            members[source].worker, found, StateAssembly(appliedHalfSteps: target.appliedHalfSteps)
        )
        return requestState(at: now)
    }

    /// Tells those whose state is another to take that of the target.
    func orderSynchronization() -> [Action] {
        guard !hasBegun, !isSuspending, let target else { return [] }
        return members.compactMap { member in
            guard let standing = workers[member.worker]?.standing,
                standing.appliedHalfSteps != target.appliedHalfSteps || standing.digest != target.digest
            else { return nil }
            return .send(to: member.worker, .synchronize(target))
        }
    }

    private enum Choice {
        case target(Synchronization)
        case astray([UInt64], reason: String)
    }

    private func choose(_ standings: [Base]) -> Choice {
        let fromBase = Choice.target(
            Synchronization(
                generation: generation, appliedHalfSteps: base.appliedHalfSteps, digest: base.digest, source: nil))
        let furthest = standings.map(\.appliedHalfSteps).max() ?? 0
        // Losses that nobody knows are computed again.
        guard !isRewinding, furthest >= base.appliedHalfSteps, furthest <= knownLosses else { return fromBase }
        var votes: [UInt64: Int] = [:]
        for standing in standings where standing.appliedHalfSteps == furthest {
            votes[standing.digest, default: 0] += 1
        }
        let most = votes.values.max() ?? 0
        let winners = votes.filter { $0.value == most }.map(\.key)
        let digest: UInt64
        if furthest == base.appliedHalfSteps {
            digest = base.digest
        } else if winners.count == 1 {
            digest = winners[0]
        } else {
            // Nobody can tell who is right: what led here is computed again.
            return fromBase
        }
        let astray = members.indices.filter {
            standings[$0].appliedHalfSteps == furthest && standings[$0].digest != digest
        }
        if !astray.isEmpty {
            let found = standings[astray[0]].digest
            return .astray(
                astray.map { members[$0].worker },
                reason: "its state after half-step \(furthest) is another than the run's: digests \(hex(found)) and "
                    + hex(digest))
        }
        let source = standings.firstIndex { $0.appliedHalfSteps == furthest && $0.digest == digest }
        return .target(
            Synchronization(generation: generation, appliedHalfSteps: furthest, digest: digest, source: source))
    }

    private mutating func begin(_ target: Synchronization, at now: Duration) -> [Action] {
        hasBegun = true
        hasGotOn = false
        isRewinding = false
        lastProgress = now
        lease = min(plan.halfSteps, max(knownLosses, target.appliedHalfSteps) + CoordinatorMachine.leaseLength)
        for member in members {
            workers[member.worker]?.applied = target.appliedHalfSteps
            workers[member.worker]?.lastWork = now
            workers[member.worker]?.pace = Pace()
            verified[member.worker] = verified[member.worker] ?? target.appliedHalfSteps
        }
        return [
            .generationBegan(number: generation, halfStep: target.appliedHalfSteps, waited: now - changed)
        ] + members.map { .send(to: $0.worker, ping()) } + collectIfTrained(at: now)
    }

    /// A member's state went astray, or its numbers are wrong: it leaves the run and may join anew, without its state.
    private mutating func ejectAstray(_ keys: [UInt64], reason: String, at now: Duration) -> [Action] {
        var actions: [Action] = []
        for key in keys { actions += eject(key, reason: reason, at: now, changes: false) }
        return actions + change("\(keys.count == 1 ? "a member was" : "members were") ejected", at: now)
    }

    /// Takes a worker out of the run for what it computed; after the third time for good.
    public mutating func eject(
        _ key: UInt64, reason: String, at now: Duration, changes: Bool = true
    ) -> [Action] {
        guard let worker = workers[key] else { return [] }
        let name = worker.hello.name
        strikes[name, default: 0] += 1
        let message: ControlMessage =
            (strikes[name] ?? 0) >= CoordinatorMachine.attempts
            ? .refusal(reason: "it was ejected \(CoordinatorMachine.attempts) times, at last since \(reason)")
            : .dismissal(reason: reason, resetState: true)
        return [.send(to: key, message)]
            + lose(key, reason: "ejected: \(reason)", at: now, changes: changes, blamesWork: false)
    }

    mutating func take(_ objection: Objection, from key: UInt64, at now: Duration) -> [Action] {
        guard phase == .training, objection.generation <= generation, isMember(key), let worker = workers[key] else {
            return []
        }
        if let wrong = objection.wrong { return take(audit: objection, wrong: wrong, from: key, at: now) }
        guard let shard = objection.shard else {
            guard hasBegun, objection.generation == generation else { return [] }
            return change("\(worker.hello.name): \(objection.reason)", at: now)
        }
        if nonFinite?.halfStep != objection.halfStep { nonFinite = (objection.halfStep, [], 0) }
        let isCurrent = hasBegun && objection.generation == generation
        if nonFinite?.workers.contains(key) == false { nonFinite?.workers.append(key) }
        if isCurrent { nonFinite?.times += 1 }
        let others = nonFinite?.workers.count ?? 0
        if others > 1 || (members.count == 1 && nonFinite?.times ?? 0 > 1) {
            return diverge(halfStep: objection.halfStep, shard: shard, at: now)
        }
        guard isCurrent else { return [] }
        rotation += 1
        return change("\(worker.hello.name): \(objection.reason)", at: now)
    }

    /// A gradient is not finite, whoever computes it.
    private mutating func diverge(halfStep: Int, shard: Int, at now: Duration) -> [Action] {
        nonFinite = nil
        guard plan.onNonFinite == .skip, skipped.count < WireLimits.skipped else {
            return fail(.nonFinite(halfStep: halfStep, shard: shard))
        }
        skipped.append(halfStep)
        return [.skipped(halfStep: halfStep, shard: shard)]
            + change("half-step \(halfStep) is passed over: its gradient is not finite", at: now)
    }

    func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
