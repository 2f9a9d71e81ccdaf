extension WorkerMachine {
    /// Takes a message of the coordinator. Those of another run are ignored.
    public mutating func receive(_ envelope: ControlEnvelope, at now: Duration) -> [Action] {
        guard end == nil, run == 0 || envelope.run == run else { return [] }
        lastHeard = now
        switch envelope.message {
        case .welcome(let configuration):
            run = envelope.run
            if phase == .starting {
                phase = .loading
                nextStatus = now
                return [.load(configuration: configuration)]
            }
            return ready.map { [.send(.ready($0))] } ?? []
        case .refusal(let reason): return finish(.refused(reason: reason))
        case .finish(let reason):
            let last = Action.send(.leave(reason: ""))
            if let failure { return [last] + finish(.failed(reason: failure)) }
            return [last] + finish(reason.isEmpty ? .finished : .runEnded(reason: reason))
        case .generation(let membership): return join(membership)
        case .ping(let lease, let knownLosses, let offersState):
            return take(lease: lease, knownLosses: knownLosses, offersState: offersState, at: now)
        case .task(let task): return take(task)
        case .revoke(let id):
            // The first one is being computed.
            if let place = tasks.dropFirst().firstIndex(where: { $0.id == id }) { tasks.remove(at: place) }
            return []
        case .stateRequest(let offset): return answer(offset)
        case .stateChunk(let chunk): return take(chunk, at: now)
        case .hello, .ready, .status, .progress, .stateReport, .taskResult, .failure, .leave:
            return []
        }
    }

    /// A message that is not one of ours, or of another version.
    public mutating func receiveInvalid(_ error: ProtocolError) -> [Action] {
        guard end == nil, case .version = error else { return [] }
        return finish(.refused(reason: error.description))
    }

    private mutating func join(_ membership: Membership) -> [Action] {
        guard phase == .ready, self.membership == nil, report == nil else { return [] }
        self.membership = membership
        return [.join(membership)]
    }

    private mutating func take(
        lease: Int, knownLosses: Int, offersState: Bool, at now: Duration
    ) -> [Action] {
        var actions: [Action] = []
        if membership != nil, lease > self.lease {
            self.lease = lease
            actions.append(.lease(lease))
        }
        if knownLosses < sentLosses, now - lastProgress >= WorkerMachine.resendInterval {
            sentLosses = knownLosses
            actions += sendProgress(at: now)
        }
        if offersState, phase == .ready, membership == nil, report == nil, assembly == nil, !isImporting {
            assembly = StateAssembly()
            actions += requestState(at: now)
        }
        return actions
    }

    private mutating func take(_ task: TaskAssignment) -> [Action] {
        guard report != nil else { return [] }
        hasHadTask = true
        if let result = results.first(where: { $0.id == task.id }) {
            return [.send(.taskResult(id: result.id, losses: result.losses))]
        }
        guard !tasks.contains(where: { $0.id == task.id }), tasks.count < WireLimits.wanted else { return [] }
        tasks.append(task)
        return tasks.count == 1 ? [.evaluate(task)] : []
    }

    private mutating func answer(_ offset: Int) -> [Action] {
        guard report != nil else { return [] }
        if let source { return source.chunk(at: offset).map { [.send(.stateChunk($0))] } ?? [] }
        if wantedOffsets.count < WireLimits.wanted { wantedOffsets.append(offset) }
        if isExporting { return [] }
        isExporting = true
        return [.exportState]
    }

    private mutating func take(_ chunk: StateChunk, at now: Duration) -> [Action] {
        do throws(ProtocolError) {
            guard let bytes = try assembly?.receive(chunk) else { return requestState(at: now) }
            assembly = nil
            isImporting = true
            return [.importState(bytes)]
        } catch {
            // Begin again with nothing.
            assembly = StateAssembly()
            return requestState(at: now)
        }
    }
}
