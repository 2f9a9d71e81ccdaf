extension WorkerMachine {
    /// Takes a message of the coordinator. Those of another run are ignored.
    public mutating func receive(_ envelope: ControlEnvelope, at now: Duration) -> [Action] {
        guard end == nil else { return [] }
        if case .dismissal(let reason, let resetState) = envelope.message {
            return rejoin(reason: reason, resetState: resetState, at: now)
        }
        guard run == 0 || envelope.run == run, withdrawing == nil else { return [] }
        lastHeard = now
        switch envelope.message {
        case .welcome(let configuration):
            run = envelope.run
            return prepare(Assignment(run: envelope.run, configuration: configuration), at: now)
        case .refusal(let reason): return finish(.refused(reason: reason))
        case .finish(let reason):
            let last = Action.send(.leave(reason: ""))
            if let failure { return [last] + finish(.failed(reason: failure)) }
            return [last] + finish(reason.isEmpty ? .finished : .runEnded(reason: reason))
        case .generation(let membership): return join(membership)
        case .synchronize(let order): return synchronize(order, at: now)
        case .ping(let generation, let lease, let knownLosses, let offersState):
            return take(lease: lease, of: generation, at: now)
                + take(knownLosses: knownLosses, at: now)
                + (offersState ? wantState(at: now) : [])
        case .task(let task): return take(task)
        case .revoke(let id):
            // The first one is being computed.
            if let place = tasks.dropFirst().firstIndex(where: { $0.id == id }) { tasks.remove(at: place) }
            return []
        case .stateRequest(let request): return answer(request, rank: nil)
        case .stateChunk(let chunk):
            // Parts that come from a peer have their own way.
            return synchronization?.source == nil ? take(chunk, at: now) : []
        case .hello, .ready, .status, .progress, .stateReport, .taskResult, .failure, .leave, .standing, .objection,
            .snapshotOffer, .dismissal:
            return []
        }
    }

    /// Takes a message of another member about the training state; those of other generations are ignored.
    public mutating func receive(_ envelope: MeshEnvelope, at now: Duration) -> [Action] {
        guard end == nil, let membership, envelope.generation == membership.generation,
            membership.members.indices.contains(envelope.sender), envelope.sender != membership.rank
        else { return [] }
        switch envelope.message {
        case .stateRequest(let request): return answer(request, rank: envelope.sender)
        case .stateChunk(let chunk): return synchronization?.source == envelope.sender ? take(chunk, at: now) : []
        case .chunk, .losses, .request: return []
        }
    }

    /// A message that is not one of ours, or of another version.
    public mutating func receiveInvalid(_ error: ProtocolError) -> [Action] {
        guard end == nil, case .version = error else { return [] }
        return finish(.refused(reason: error.description))
    }

    /// The images stay; all that belongs to the membership goes.
    private mutating func rejoin(reason: String, resetState: Bool, at now: Duration) -> [Action] {
        if let failure { return finish(.failed(reason: failure)) }
        if withdrawing != nil { return [] }
        withdrawing = now
        formerReport = resetState ? nil : (report ?? formerReport)
        run = 0
        membership = nil
        standing = nil
        synchronization = nil
        lease = 0
        objection = nil
        report = nil
        assembly = nil
        isImporting = false
        source = nil
        snapshot = nil
        requests = []
        tasks = []
        hasHadTask = false
        results = []
        countedBefore = activity.counters
        if resetState {
            appliedHalfSteps = 0
            losses = []
        }
        sentLosses = firstLoss
        nextStatus = now
        return [.rejoin(reason: reason, resetState: resetState)]
    }

    /// The compute thread has nothing to do any more.
    public mutating func withdrawn(at now: Duration) -> [Action] {
        guard end == nil, withdrawing != nil else { return [] }
        withdrawing = nil
        nextStatus = now
        return []
    }

    private mutating func prepare(_ assignment: Assignment, at now: Duration) -> [Action] {
        if wanted == assignment { return ready.map { [.send(.ready($0))] } ?? [] }
        wanted = assignment
        // What is being loaded is finished first.
        if phase == .loading { return [] }
        return load(assignment, at: now)
    }

    mutating func load(_ assignment: Assignment, at now: Duration) -> [Action] {
        phase = .loading
        ready = nil
        loaded = assignment
        formerReport = nil
        appliedHalfSteps = 0
        losses = []
        firstLoss = 0
        sentLosses = 0
        nextStatus = now
        return [.load(configuration: assignment.configuration)]
    }

    private mutating func join(_ membership: Membership) -> [Action] {
        guard phase == .ready, membership.generation > generation else { return [] }
        self.membership = membership
        standing = nil
        synchronization = nil
        objection = nil
        lease = 0
        report = nil
        assembly = nil
        isImporting = false
        requests = []
        return [.join(membership)]
    }

    private mutating func synchronize(_ order: Synchronization, at now: Duration) -> [Action] {
        guard order.generation == generation, lease == 0, let standing, synchronization != order else { return [] }
        if standing.appliedHalfSteps == order.appliedHalfSteps, standing.digest == order.digest {
            return standingMessage().map { [.send($0)] } ?? []
        }
        synchronization = order
        assembly = StateAssembly(appliedHalfSteps: order.appliedHalfSteps)
        return requestState(at: now)
    }

    private mutating func take(lease: Int, of generation: Int, at now: Duration) -> [Action] {
        guard generation == self.generation, generation > 0, standing != nil, lease > self.lease else { return [] }
        self.lease = lease
        synchronization = nil
        return [.lease(generation: generation, halfSteps: lease)]
    }

    /// Forgets what the coordinator knows, and sends again what it should know and does not.
    private mutating func take(knownLosses: Int, at now: Duration) -> [Action] {
        if knownLosses > firstLoss {
            losses.removeFirst(min(knownLosses - firstLoss, losses.count))
            firstLoss = knownLosses
            sentLosses = max(sentLosses, firstLoss)
        }
        guard membership?.rank == 0, !losses.isEmpty, now - lastProgress >= WorkerMachine.resendInterval else {
            return []
        }
        sentLosses = firstLoss
        return sendProgress(at: now)
    }

    /// Takes the state from the coordinator, which has that of the finished training.
    private mutating func wantState(at now: Duration) -> [Action] {
        guard phase == .ready, report == nil, assembly == nil, !isImporting else { return [] }
        membership = nil
        synchronization = nil
        if let formerReport {
            self.formerReport = nil
            report = formerReport
            lastReport = now
            return [.send(.stateReport(formerReport))]
        }
        assembly = StateAssembly(appliedHalfSteps: nil)
        return requestState(at: now)
    }

    private mutating func take(_ task: TaskAssignment) -> [Action] {
        guard report != nil else { return [] }
        hasHadTask = true
        if let result = results.first(where: { $0.id == task.id }) {
            return [.send(.taskResult(result))]
        }
        guard !tasks.contains(where: { $0.id == task.id }), tasks.count < WireLimits.wanted else { return [] }
        tasks.append(task)
        return evaluateNext()
    }

    private mutating func answer(_ request: StateRequest, rank: Int?) -> [Action] {
        if let snapshot, snapshot.state.appliedHalfSteps == request.appliedHalfSteps {
            if rank == nil { isSnapshotWanted = true }
            return chunk(of: snapshot.state, request, to: rank)
        }
        if let source, source.appliedHalfSteps == request.appliedHalfSteps {
            return chunk(of: source, request, to: rank)
        }
        guard request.appliedHalfSteps == appliedHalfSteps, standing != nil || report != nil else { return [] }
        if requests.count < WireLimits.wanted { requests.append((rank, generation, request)) }
        if isExporting { return [] }
        isExporting = true
        return [.exportState]
    }

    func chunk(of state: StateSource, _ request: StateRequest, to rank: Int?) -> [Action] {
        guard let chunk = state.chunk(at: request.offset) else { return [] }
        if let rank { return [.sendPeer(rank: rank, .stateChunk(chunk))] }
        return [.send(.stateChunk(chunk))]
    }

    private mutating func take(_ chunk: StateChunk, at now: Duration) -> [Action] {
        partsReceived += 1
        do throws(ProtocolError) {
            guard let bytes = try assembly?.receive(chunk) else { return requestState(at: now) }
            assembly = nil
            isImporting = true
            return [.importState(bytes, generation: generation)]
        } catch {
            // Begin again with nothing.
            assembly = StateAssembly(appliedHalfSteps: synchronization?.appliedHalfSteps)
            return requestState(at: now)
        }
    }
}
