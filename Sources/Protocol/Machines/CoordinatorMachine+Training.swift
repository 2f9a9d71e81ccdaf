extension CoordinatorMachine {
    /// Lets the members compute further.
    mutating func extendLease() -> [Action] {
        guard phase == .training, hasBegun else { return [] }
        let wanted = min(plan.halfSteps, knownLosses + CoordinatorMachine.leaseLength)
        let isWorthIt = wanted - lease >= CoordinatorMachine.leaseLength / 4 || wanted == plan.halfSteps
        guard wanted > lease, isWorthIt else { return [] }
        lease = wanted
        return members.map { .send(to: $0.worker, ping()) }
    }

    /// Takes losses that are not known yet, if they follow those that are.
    mutating func learn(_ losses: [LossEntry], first: Int) -> [Action] {
        guard first <= knownLosses, first + losses.count > knownLosses, first + losses.count <= plan.halfSteps else {
            return []
        }
        let fresh = Array(losses[(knownLosses - first)...])
        let start = knownLosses
        knownLosses += fresh.count
        return [.losses(first: start, fresh)]
    }

    mutating func take(_ losses: [LossEntry], first: Int, from key: UInt64, at now: Duration) -> [Action] {
        guard phase == .training, isMember(key), !isRewinding else { return [] }
        let actions = learn(losses, first: first)
        if actions.isEmpty { return [] }
        return actions + extendLease() + collectIfTrained(at: now)
    }

    /// A member of the present generation has applied so many half-steps.
    mutating func note(applied: Int, by key: UInt64, at now: Duration) -> [Action] {
        guard phase == .training, hasBegun, let worker = workers[key], applied > worker.applied else { return [] }
        let before = members.compactMap { workers[$0.worker]?.applied }.max() ?? 0
        workers[key]?.applied = applied
        guard applied > before else { return [] }
        hasGotOn = true
        let longest = members.map(\.run.count).max() ?? 1
        shardTimes.append((now - lastProgress) / ((applied - before) * longest))
        if shardTimes.count > 16 { shardTimes.removeFirst() }
        lastProgress = now
        losses = []
        noteAudits(before..<applied)
        var actions: [Action] = []
        if let found = nonFinite, applied > found.halfStep {
            nonFinite = nil
            // Another computed the same shard without fault.
            if members.count > 1, let culprit = found.workers.first {
                actions += eject(
                    culprit, reason: "its gradient of half-step \(found.halfStep) was not finite, another worker's was",
                    at: now)
            }
        }
        return actions + confirmSnapshot()
    }

    mutating func take(_ report: StateReport, from key: UInt64, at now: Duration) -> [Action] {
        guard let worker = workers[key], worker.report != report, phase != .finishing, phase != .gathering,
            report.appliedHalfSteps == plan.halfSteps
        else { return [] }
        if phase == .training {
            guard isMember(key) else { return [] }
            workers[key]?.report = report
            return collectIfTrained(at: now)
        }
        let expected = reference?.digest ?? base.digest
        guard report.digest == expected, reference == nil || report == reference else {
            return eject(
                key, reason: "its state is another than the run's: digests \(hex(report.digest)) and \(hex(expected))",
                at: now)
        }
        workers[key]?.report = report
        guard phase == .collecting, hasTrainedBase else { return [] }
        reference = report
        phase = .selecting
        return [.selecting(report, bytes: nil)]
    }

    mutating func collectIfTrained(at now: Duration) -> [Action] {
        guard phase == .training, hasBegun, knownLosses == plan.halfSteps, !members.isEmpty else { return [] }
        let reports = members.compactMap { workers[$0.worker]?.report }
        guard reports.count == members.count, let first = reports.first else { return [] }
        guard reports.allSatisfy({ $0 == first }) else {
            return change("states differ after the last half-step", at: now)
        }
        reference = first
        phase = .collecting
        unconfirmed = nil
        if hasTrainedBase, base.digest == first.digest {
            phase = .selecting
            return [.selecting(first, bytes: nil)] + order.map { .send(to: $0, ping()) }
        }
        return collect(at: now)
    }

    /// Asks a worker that has the trained state for it; without any, the training goes on from the base.
    mutating func collect(at now: Duration) -> [Action] {
        guard phase == .collecting, !hasTrainedBase, let reference else { return [] }
        guard let source = order.first(where: { workers[$0]?.report == reference }) else {
            assembly = nil
            self.reference = nil
            phase = .training
            return change("the workers that had the trained state are gone", at: now)
        }
        lastProgress = now
        let trained = Base(appliedHalfSteps: reference.appliedHalfSteps, digest: reference.digest)
        assembly = (source, trained, StateAssembly(appliedHalfSteps: trained.appliedHalfSteps))
        return requestState(at: now)
    }

    mutating func take(offer: Base, from key: UInt64, at now: Duration) -> [Action] {
        guard phase == .training, hasBegun, assembly == nil, members.first?.worker == key,
            offer.appliedHalfSteps > max(base.appliedHalfSteps, unconfirmed?.base.appliedHalfSteps ?? 0),
            offer.appliedHalfSteps <= plan.halfSteps
        else { return [] }
        assembly = (key, offer, StateAssembly(appliedHalfSteps: offer.appliedHalfSteps))
        return requestState(at: now)
    }

    mutating func requestState(at now: Duration) -> [Action] {
        guard var current = assembly else { return [] }
        let offsets = current.state.requests(at: now)
        assembly = current
        return offsets.map {
            .send(
                to: current.source,
                .stateRequest(StateRequest(appliedHalfSteps: current.base.appliedHalfSteps, offset: $0)))
        }
    }

    mutating func take(_ chunk: StateChunk, from key: UInt64, at now: Duration) -> [Action] {
        guard var current = assembly, current.source == key else { return [] }
        // Taken out while it changes, so that nothing in it is copied.
        assembly = nil
        lastProgress = max(lastProgress, phase == .collecting ? now : lastProgress)
        do throws(ProtocolError) {
            guard let bytes = try current.state.receive(chunk) else {
                assembly = current
                return requestState(at: now)
            }
            guard plan.describe(bytes) == current.base else {
                return eject(current.source, reason: "the state it sent is not the one it offered", at: now)
                    + collect(at: now)
            }
            if isSuspending {
                base = current.base
                return [.suspended(bytes: bytes)]
            }
            if phase == .training {
                unconfirmed = (current.base, bytes)
                return confirmSnapshot()
            }
            guard phase == .collecting, let reference else { return [] }
            base = current.base
            phase = .selecting
            return [.selecting(reference, bytes: bytes)] + order.map { .send(to: $0, ping()) }
        } catch {
            current.state = StateAssembly(appliedHalfSteps: current.base.appliedHalfSteps)
            assembly = current
            return requestState(at: now)
        }
    }

    /// A snapshot counts once a later half-step was applied, before which all members compared their states' digests.
    private mutating func confirmSnapshot() -> [Action] {
        guard phase == .training, hasBegun, let (found, bytes) = unconfirmed,
            members.contains(where: { workers[$0.worker]?.applied ?? 0 > found.appliedHalfSteps }),
            knownLosses >= found.appliedHalfSteps
        else { return [] }
        unconfirmed = nil
        base = found
        bases.keep(found)
        return [.snapshot(found, bytes: bytes)]
    }
}
