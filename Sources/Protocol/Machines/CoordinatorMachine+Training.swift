extension CoordinatorMachine {
    /// Lets the members compute further; none before all have joined the generation.
    mutating func extendLease() -> [Action] {
        guard phase == .training, members.allSatisfy({ workers[$0.worker]?.generation == 1 }) else { return [] }
        let wanted = min(plan.halfSteps, knownLosses + CoordinatorMachine.leaseLength)
        let isWorthIt = wanted - lease >= CoordinatorMachine.leaseLength / 4 || wanted == plan.halfSteps
        guard wanted > lease, isWorthIt else { return [] }
        lease = wanted
        return members.map { .send(to: $0.worker, ping()) }
    }

    mutating func take(_ losses: [LossEntry], first: Int, from key: UInt64, at now: Duration) -> [Action] {
        guard isTraining, members.first?.worker == key, first <= knownLosses,
            first + losses.count > knownLosses, first + losses.count <= plan.halfSteps
        else { return [] }
        let fresh = Array(losses[(knownLosses - first)...])
        let start = knownLosses
        knownLosses += fresh.count
        lastProgress = now
        var actions: [Action] = [.losses(first: start, fresh)]
        actions += extendLease()
        return actions + collectIfTrained(at: now)
    }

    mutating func take(_ report: StateReport, from key: UInt64, at now: Duration) -> [Action] {
        guard let worker = workers[key], worker.report == nil, phase != .finishing else { return [] }
        if isMember(key) {
            guard isTraining, report.appliedHalfSteps == plan.halfSteps else { return [] }
            lastProgress = now
        } else if !offersState {
            return []
        }
        workers[key]?.report = report
        if isMember(key) { return collectIfTrained(at: now) }
        guard let reference else {
            self.reference = report
            phase = .selecting
            return [.selecting(report, bytes: nil)]
        }
        guard let failure = compare(report, of: worker, with: reference) else { return [] }
        return fail(failure)
    }

    private mutating func collectIfTrained(at now: Duration) -> [Action] {
        guard phase == .training, knownLosses == plan.halfSteps, let first = members.first,
            let report = workers[first.worker]?.report
        else { return [] }
        for member in members {
            guard let worker = workers[member.worker], let other = worker.report else { return [] }
            if let failure = compare(other, of: worker, with: report) { return fail(failure) }
        }
        reference = report
        phase = .collecting
        assembly = StateAssembly()
        return requestState(at: now)
    }

    private func compare(_ report: StateReport, of worker: Worker, with reference: StateReport) -> Failure? {
        if report == reference { return nil }
        let holder = workers.values.first { $0.report == reference && $0.hello != worker.hello }
        return .disagreement(
            "the states of worker \(worker.hello.name) on \(worker.hello.host) and of "
                + "\(holder.map { "worker \($0.hello.name) on \($0.hello.host)" } ?? "the run") differ after half-step "
                + "\(reference.appliedHalfSteps): digests \(String(report.digest, radix: 16)) and "
                + "\(String(reference.digest, radix: 16))")
    }

    mutating func requestState(at now: Duration) -> [Action] {
        guard let first = members.first?.worker, let offsets = assembly?.requests(at: now) else { return [] }
        return offsets.map { .send(to: first, .stateRequest(offset: $0)) }
    }

    mutating func take(_ chunk: StateChunk, from key: UInt64, at now: Duration) -> [Action] {
        guard phase == .collecting, members.first?.worker == key, let reference else { return [] }
        lastProgress = now
        do throws(ProtocolError) {
            guard let bytes = try assembly?.receive(chunk) else { return requestState(at: now) }
            assembly = nil
            phase = .selecting
            return [.selecting(reference, bytes: bytes)] + order.map { .send(to: $0, ping()) }
        } catch {
            assembly = StateAssembly()
            return requestState(at: now)
        }
    }
}
