import Protocol
import Transport

extension WorkerLoop {
    /// Takes what the compute thread tells.
    func take(_ event: ComputeEvent, at now: Duration) throws(TransportError) {
        switch event {
        case .loaded(let ready, let buffer, let largestGradient):
            self.buffer = buffer
            self.largestGradient = largestGradient
            try perform(machine.loaded(ready))
        case .began, .partial, .computed:
            if let outcome = try mesh.take(event, run: machine.run, at: now) { try take(outcome) }
        case .applied(let halfSteps, let loss):
            try perform(machine.applied(halfSteps: halfSteps, loss: loss, at: now))
        case .reported(let report): try perform(machine.reported(report, at: now))
        case .exported(let bytes): try perform(machine.exported(bytes))
        case .evaluated(let id, let losses): try perform(machine.evaluated(id: id, losses: losses))
        case .failed(let error):
            failure = failure ?? error
            try perform(machine.failed(error.description))
        }
    }

    /// Takes what the all-reduce led to.
    func take(_ outcome: Mesh.Outcome) throws(TransportError) {
        switch outcome {
        case .complete(let losses): compute.post(.apply(losses: losses))
        case .failed(let reason):
            failure = failure ?? .computation(reason)
            try perform(machine.failed(reason))
        }
    }

    /// Does what the state machine says.
    func perform(_ actions: [WorkerMachine.Action]) throws(TransportError) {
        for action in actions {
            switch action {
            case .send(let message): try send(message)
            case .load(let configuration): compute.post(.load(configuration: configuration))
            case .join(let membership):
                if membership.members.count > 1 {
                    try mesh.join(membership, buffer: buffer, largestGradient: largestGradient)
                }
                compute.post(.join(membership))
            case .lease(let halfSteps): compute.post(.lease(halfSteps))
            case .exportState: compute.post(.exportState)
            case .importState(let bytes): compute.post(.importState(bytes))
            case .evaluate(let task): compute.post(.evaluate(task))
            case .end(let end): self.end = end
            }
        }
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

extension Duration {
    /// As a number of seconds.
    var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
