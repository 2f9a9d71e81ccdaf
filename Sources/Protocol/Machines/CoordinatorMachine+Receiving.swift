extension CoordinatorMachine {
    /// Takes a message of a worker.
    public mutating func receive(_ envelope: ControlEnvelope, at now: Duration) -> [Action] {
        let key = envelope.worker
        if case .hello(let hello) = envelope.message { return take(hello, from: key, at: now) }
        guard envelope.run == plan.run, var worker = workers[key] else { return [] }
        worker.lastHeard = now
        workers[key] = worker
        switch envelope.message {
        case .ready(let ready): return take(ready, from: key, at: now)
        case .status(let status): return take(status, from: key, at: now)
        case .progress(let first, let losses): return take(losses, first: first, from: key, at: now)
        case .stateReport(let report): return take(report, from: key, at: now)
        case .taskResult(let id, let losses): return take(result: id, losses: losses, from: key, at: now)
        case .failure(let reason):
            if phase == .finishing { return [.send(to: key, .finish(reason: finishReason ?? ""))] }
            return fail(.failed(name: worker.hello.name, host: worker.hello.host, reason: reason))
        case .leave(let reason):
            if phase == .finishing {
                workers[key] = nil
                return []
            }
            return lose(key, reason: reason.isEmpty ? "it left" : reason)
        case .stateRequest(let offset): return offersState ? [.sendState(to: key, offset: offset)] : []
        case .stateChunk(let chunk): return take(chunk, from: key, at: now)
        case .hello, .welcome, .refusal, .generation, .ping, .task, .revoke, .finish: return []
        }
    }

    private mutating func take(_ hello: Hello, from key: UInt64, at now: Duration) -> [Action] {
        if phase == .finishing { return [.send(to: key, .refusal(reason: "the run is over"))] }
        if workers[key] == nil {
            if let reason = objection(to: hello) {
                return [.send(to: key, .refusal(reason: reason)), .refused(name: hello.name, reason: reason)]
            }
            numericDigest = numericDigest ?? hello.numericDigest
            workers[key] = Worker(hello: hello, lastHeard: now)
            order.append(key)
        }
        return [.send(to: key, .welcome(configuration: plan.configuration))]
    }

    private func objection(to hello: Hello) -> String? {
        if workers.count >= WireLimits.members { return "\(WireLimits.members) workers are here already" }
        if hello.build != Build.version {
            return "it is ostr \(hello.build) and the coordinator is \(Build.version); use the same build everywhere"
        }
        if let expected = numericDigest, expected != hello.numericDigest {
            return "its processor or build computes other numbers: the digest of the trial computation is "
                + "\(hex(hello.numericDigest)) there and \(hex(expected)) in this run"
        }
        return nil
    }

    private mutating func take(_ ready: Ready, from key: UInt64, at now: Duration) -> [Action] {
        guard let worker = workers[key], !worker.isReady, phase != .finishing else { return [] }
        if ready.datasetDigest != plan.datasetDigest {
            let reason =
                "its images differ from the run's: their digest is \(ready.datasetDigest) (\(ready.imageCount) "
                + "images) and the run's is \(plan.datasetDigest)"
            workers[key] = nil
            order.removeAll { $0 == key }
            return [.send(to: key, .refusal(reason: reason)), .refused(name: worker.hello.name, reason: reason)]
        }
        workers[key]?.isReady = true
        let count = readyWorkers
        var actions: [Action] = [
            .send(to: key, ping()), .joined(name: worker.hello.name, count: count),
        ]
        if phase == .gathering, count >= plan.expectedWorkers { actions += start(at: now) }
        return actions
    }

    private mutating func start(at now: Duration) -> [Action] {
        lastProgress = now
        if plan.hasState {
            phase = .collecting
            return order.filter { workers[$0]?.isReady == true }.map { .send(to: $0, ping()) }
        }
        phase = .training
        let ready = order.filter { workers[$0]?.isReady == true }
        let runs = plan.runs(ready.count)
        for (key, run) in zip(ready, runs) where !run.isEmpty {
            guard let hello = workers[key]?.hello else { continue }
            members.append(
                Membership.Member(
                    worker: key, name: hello.name, host: hello.host, meshEndpoint: hello.meshEndpoint, run: run,
                    publicKey: hello.publicKey))
        }
        return [.trainingStarted(workers: members.count, standBys: ready.count - members.count)]
            + members.indices.map { .send(to: members[$0].worker, .generation(membership(rank: $0))) }
    }

    func membership(rank: Int) -> Membership {
        Membership(generation: 1, rank: rank, shards: plan.shards, halfSteps: plan.halfSteps, members: members)
    }

    private mutating func take(_ status: WorkerStatus, from key: UInt64, at now: Duration) -> [Action] {
        guard let worker = workers[key] else { return [] }
        if phase == .finishing { return [.send(to: key, .finish(reason: finishReason ?? ""))] }
        workers[key]?.generation = status.generation
        workers[key]?.applied = max(worker.applied, status.appliedHalfSteps)
        var actions: [Action] = []
        if status.phase == .ready, !worker.isReady {
            actions.append(.send(to: key, .welcome(configuration: plan.configuration)))
        }
        if isTraining, status.generation == 0, status.phase == .ready,
            let rank = members.firstIndex(where: { $0.worker == key })
        {
            actions.append(.send(to: key, .generation(membership(rank: rank))))
        }
        // What was sent a while ago and is not there was lost on the way, or its answer was.
        for (place, outstanding) in worker.queue.enumerated()
        where !status.tasks.contains(outstanding.id) && now - outstanding.sent >= CoordinatorMachine.resendInterval {
            guard let task = tasks[outstanding.id] else { continue }
            workers[key]?.queue[place].sent = now
            actions.append(.send(to: key, .task(task)))
        }
        return actions + extendLease()
    }

    private func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
