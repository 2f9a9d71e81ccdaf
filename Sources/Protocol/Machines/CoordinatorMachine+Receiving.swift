extension CoordinatorMachine {
    /// Takes a message of a worker.
    public mutating func receive(_ envelope: ControlEnvelope, at now: Duration) -> [Action] {
        let key = envelope.worker
        if case .hello(let hello) = envelope.message { return take(hello, from: key, at: now) }
        guard envelope.run == plan.run, var worker = workers[key] else {
            // One that was lost and is back, or another run's.
            if case .leave = envelope.message { return [] }
            if phase == .finishing { return [.send(to: key, .finish(reason: finishReason ?? ""))] }
            return [.send(to: key, .dismissal(reason: "it counts as lost", resetState: false))]
        }
        worker.lastHeard = now
        worker.unreachableSince = nil
        workers[key] = worker
        switch envelope.message {
        case .ready(let ready): return take(ready, from: key, at: now)
        case .status(let status): return take(status, from: key, at: now)
        case .progress(let first, let losses): return take(losses, first: first, from: key, at: now)
        case .stateReport(let report): return take(report, from: key, at: now)
        case .taskResult(let result): return take(result, from: key, at: now)
        case .standing(let standing): return take(standing, from: key, at: now)
        case .objection(let objection): return take(objection, from: key, at: now)
        case .snapshotOffer(let applied, let digest):
            return take(offer: Base(appliedHalfSteps: applied, digest: digest), from: key, at: now)
        case .failure(let reason):
            if phase == .finishing { return [.send(to: key, .finish(reason: finishReason ?? ""))] }
            return [.send(to: key, .finish(reason: reason))] + lose(key, reason: reason, at: now)
        case .leave(let reason):
            if phase == .finishing {
                forget(key)
                return []
            }
            return lose(key, reason: reason.isEmpty ? "it left" : reason, at: now, blamesWork: false)
        case .stateRequest(let request): return [.sendState(to: key, offset: request.offset)]
        case .stateChunk(let chunk): return take(chunk, from: key, at: now)
        case .hello, .welcome, .refusal, .generation, .ping, .task, .revoke, .finish, .synchronize, .dismissal:
            return []
        }
    }

    private mutating func take(_ hello: Hello, from key: UInt64, at now: Duration) -> [Action] {
        if phase == .finishing { return [.send(to: key, .refusal(reason: "the run is over"))] }
        if workers[key] == nil {
            if let reason = objection(to: hello) {
                return [.send(to: key, .refusal(reason: reason)), .refused(name: hello.name, reason: reason)]
            }
            numericDigest = numericDigest ?? hello.numericDigest
            workers[key] = Worker(hello: hello, lastHeard: now, lastWork: now)
            order.append(key)
        }
        workers[key]?.lastHeard = now
        workers[key]?.unreachableSince = nil
        return [.send(to: key, .welcome(configuration: plan.configuration))]
    }

    private func objection(to hello: Hello) -> String? {
        if workers.count >= WireLimits.members { return "\(WireLimits.members) workers are here already" }
        if hello.build != Build.version {
            return "it is ostr \(hello.build) and the coordinator is \(Build.version); use the same build everywhere"
        }
        if let count = strikes[hello.name], count >= CoordinatorMachine.attempts {
            return "it was ejected \(count) times"
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
        workers[key]?.lastWork = now
        abandonedSince = nil
        let count = readyWorkers
        var actions: [Action] = [
            .send(to: key, ping()), .joined(name: worker.hello.name, count: count),
        ]
        switch phase {
        case .gathering: if count >= plan.expectedWorkers { actions += start(at: now) }
        case .training:
            let reason = "\(worker.hello.name) joined"
            if members.isEmpty {
                actions += change(reason, at: now)
            } else if members.count < plan.shards {
                wantedChange = wantedChange ?? reason
            }
        case .collecting, .selecting, .finishing: break
        }
        return actions
    }

    mutating func start(at now: Duration) -> [Action] {
        lastProgress = now
        changed = now
        if hasTrainedBase {
            phase = .collecting
            return order.filter { workers[$0]?.isReady == true }.map { .send(to: $0, ping()) }
        }
        phase = .training
        let made = change("the training begins", at: now)
        return [.trainingStarted(workers: members.count, standBys: readyWorkers - members.count)] + made
    }

    private mutating func take(_ status: WorkerStatus, from key: UInt64, at now: Duration) -> [Action] {
        guard let worker = workers[key] else { return [] }
        if phase == .finishing { return [.send(to: key, .finish(reason: finishReason ?? ""))] }
        workers[key]?.generation = status.generation
        workers[key]?.isBusy = status.isBusy
        workers[key]?.awaited = status.awaited
        workers[key]?.counters = status.counters
        if status.work != worker.work || !status.isBusy { workers[key]?.lastWork = now }
        workers[key]?.work = status.work
        var actions: [Action] = []
        if status.phase == .ready, !worker.isReady {
            actions.append(.send(to: key, .welcome(configuration: plan.configuration)))
        }
        if phase == .training, status.phase == .ready, let rank = members.firstIndex(where: { $0.worker == key }) {
            if status.generation != generation {
                actions.append(.send(to: key, .generation(membership(rank: rank))))
            } else {
                actions += note(applied: status.appliedHalfSteps, by: key, at: now)
                actions += notePace(status.trained, of: key, at: now)
            }
        }
        // What was sent a while ago and is not there was lost on the way, or its answer was.
        for (place, outstanding) in worker.queue.enumerated()
        where !status.tasks.contains(outstanding.id) && now - outstanding.sent >= CoordinatorMachine.resendInterval {
            guard let task = tasks[outstanding.id]?.assignment, workers[key] != nil else { continue }
            workers[key]?.queue[place].sent = now
            actions.append(.send(to: key, .task(task)))
        }
        return actions + extendLease()
    }
}
