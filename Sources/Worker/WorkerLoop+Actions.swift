import Protocol
import Synchronization
import Transport

extension WorkerLoop {
    /// Takes what the compute thread tells.
    func take(_ event: ComputeEvent, at now: Duration) throws(TransportError) {
        switch event {
        case .loaded(let ready, let buffer, let largestGradient):
            self.buffer = buffer
            self.largestGradient = largestGradient
            try perform(machine.loaded(ready, at: now))
        case .began, .partial, .computed:
            if let outcome = try mesh.take(event, run: machine.run, at: now) { try take(outcome, at: now) }
        case .notFinite(let generation, let halfStep, let shard):
            try perform(
                machine.objects(
                    halfStep: halfStep, reason: "the gradient of shard \(shard) is not finite", shard: shard,
                    generation: generation))
        case .applied(let halfSteps, let loss):
            try perform(machine.applied(halfSteps: halfSteps, loss: loss, at: now))
        case .stands(let report, let generation):
            _ = try mesh.take(event, run: machine.run, at: now)
            try perform(machine.stands(report, generation: generation, at: now))
        case .snapshot(let bytes, let applied, let digest):
            try perform(machine.tookSnapshot(bytes, appliedHalfSteps: applied, digest: digest, at: now))
        case .exported(let bytes, let applied):
            try perform(machine.exported(bytes, appliedHalfSteps: applied))
        case .evaluated(let result): try perform(machine.evaluated(result))
        case .withdrawn: try perform(machine.withdrawn(at: now))
        case .failed(let error):
            failure = failure ?? error
            try perform(machine.failed(error.description))
        }
    }

    /// Takes what the all-reduce led to.
    func take(_ outcome: Mesh.Outcome, at now: Duration) throws(TransportError) {
        switch outcome {
        case .complete(let generation, let losses): compute.post(.apply(generation: generation, losses: losses))
        case .state(let envelope): try perform(machine.receive(envelope, at: now))
        case .objection(let halfStep, let reason, let audit):
            try perform(
                machine.objects(
                    halfStep: halfStep, reason: reason, shard: audit?.shard, wrong: audit?.wrong,
                    generation: mesh.generation))
        }
    }

    /// Does what the state machine says.
    func perform(_ actions: [WorkerMachine.Action]) throws(TransportError) {
        for action in actions {
            switch action {
            case .send(let message): try send(message)
            case .sendPeer(let rank, let message): try mesh.send(message, to: rank, halfStep: 0, run: machine.run)
            case .load(let configuration): compute.post(.load(configuration: configuration))
            case .join(let membership):
                try mesh.join(membership, buffer: buffer, largestGradient: largestGradient)
                compute.post(.join(membership))
            case .lease(let generation, let halfSteps):
                compute.post(.lease(generation: generation, halfSteps: halfSteps))
            case .exportState: compute.post(.exportState)
            case .importState(let bytes, let generation):
                compute.post(.importState(bytes, generation: generation))
            case .evaluate(let task): compute.post(.evaluate(task))
            case .rejoin(let reason, let resetState):
                logger.warning("this worker joins anew: \(reason)")
                key = UInt64.random(in: 1 ... .max)
                mesh.leave()
                compute.post(.withdraw(resetState: resetState))
            case .end(let end): self.end = end
            }
        }
    }

    /// What the parts of this worker do at the moment, for the status.
    func currentActivity() -> WorkerMachine.Activity {
        var activity = WorkerMachine.Activity()
        activity.work = compute.monitor.work.load(ordering: .relaxed)
        activity.isBusy = compute.isBusy
        activity.awaited = mesh.machine?.awaited ?? []
        activity.counters = mesh.counters
        activity.trained = ShardTally(
            shards: compute.monitor.trainedShards.load(ordering: .relaxed),
            microseconds: compute.monitor.trainingMicroseconds.load(ordering: .relaxed))
        activity.counters.repeated = compute.monitor.repeated.load(ordering: .relaxed)
        activity.counters.waitedMicroseconds = compute.monitor.waitedMicroseconds.load(ordering: .relaxed)
        activity.counters.networkMicroseconds = compute.monitor.networkMicroseconds.load(ordering: .relaxed)
        return activity
    }

    private func send(_ message: ControlMessage) throws(TransportError) {
        let frames: [[UInt8]]
        do throws(ProtocolError) {
            frames = try ControlCodec.encode(ControlEnvelope(run: machine.run, worker: key, message: message))
        } catch {
            logger.warning("a message cannot be sent: \(error)")
            return
        }
        // What is not taken is sent again: the machine repeats what has not been answered.
        _ = try control.send(frames)
    }
}
