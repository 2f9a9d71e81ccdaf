extension WorkerMachine {
    /// The images are loaded.
    public mutating func loaded(_ ready: Ready, at now: Duration) -> [Action] {
        guard end == nil, phase == .loading else { return [] }
        if let wanted, loaded != wanted { return load(wanted, at: now) }
        phase = .ready
        self.ready = ready
        return run == 0 ? [] : [.send(.ready(ready))]
    }

    /// A half-step was applied. The lowest rank tells the coordinator the whole batch's loss sum.
    public mutating func applied(halfSteps: Int, loss: LossEntry, at now: Duration) -> [Action] {
        guard end == nil else { return [] }
        appliedHalfSteps = halfSteps
        source = nil
        if firstLoss + losses.count != halfSteps - 1 {
            losses = []
            firstLoss = halfSteps - 1
            sentLosses = firstLoss
        }
        losses.append(loss)
        guard membership?.rank == 0, lease > 0 else { return [] }
        return sendProgress(at: now)
    }

    /// What the state is, upon `join` and `importState`, and after the last half-step.
    ///
    /// - Parameter generation: that of the action, or of the training.
    public mutating func stands(_ report: StateReport, generation: Int, at now: Duration) -> [Action] {
        guard end == nil, generation == self.generation, run != 0, phase == .ready else { return [] }
        isImporting = false
        appliedHalfSteps = report.appliedHalfSteps
        if firstLoss + losses.count > appliedHalfSteps {
            // Another state was taken, which is behind.
            losses = []
            firstLoss = appliedHalfSteps
            sentLosses = firstLoss
        }
        source = nil
        var actions: [Action] = []
        if lease == 0, membership != nil {
            standing = (report.appliedHalfSteps, report.digest)
            synchronization = nil
            if let message = standingMessage() { actions.append(.send(message)) }
        }
        if membership.map({ $0.halfSteps == report.appliedHalfSteps }) ?? true {
            self.report = report
            lastReport = now
            actions.append(.send(.stateReport(report)))
        }
        return actions
    }

    /// The state's bytes, as `exportState` asked for.
    public mutating func exported(_ bytes: [UInt8], appliedHalfSteps applied: Int) -> [Action] {
        guard end == nil else { return [] }
        isExporting = false
        defer { requests = [] }
        let wanted = requests.filter { $0.request.appliedHalfSteps == applied && $0.generation == generation }
        guard !wanted.isEmpty else { return [] }
        let state = StateSource(bytes, appliedHalfSteps: applied)
        source = state
        return wanted.flatMap { chunk(of: state, $0.request, to: $0.rank) }
    }

    /// The state after so many half-steps, when the membership's snapshots are due.
    public mutating func tookSnapshot(
        _ bytes: [UInt8], appliedHalfSteps applied: Int, digest: UInt64, at now: Duration
    ) -> [Action] {
        guard end == nil, membership?.rank == 0 else { return [] }
        snapshot = (digest, StateSource(bytes, appliedHalfSteps: applied))
        isSnapshotWanted = false
        lastOffer = now
        return [.send(.snapshotOffer(appliedHalfSteps: applied, digest: digest))]
    }

    /// The half-step under way cannot be finished in this generation: states differ, a gradient of the own shards is not
    /// finite, or an audit found `wrong` ranks. Told until there is a newer generation.
    public mutating func objects(
        halfStep: Int, reason: String, shard: Int?, wrong: [Int]? = nil, generation: Int
    ) -> [Action] {
        guard end == nil, generation == self.generation, generation > 0, objection == nil else { return [] }
        let objection = Objection(
            generation: generation, halfStep: halfStep, reason: reason, shard: shard, wrong: wrong)
        self.objection = objection
        return [.send(.objection(objection))]
    }

    /// What came of a task.
    public mutating func evaluated(_ result: TaskResult) -> [Action] {
        guard end == nil else { return [] }
        isEvaluating = false
        guard tasks.first?.id == result.id else { return evaluateNext() }
        results.append(result)
        if results.count > WorkerMachine.keptResults { results.removeFirst() }
        tasks.removeFirst()
        return [.send(.taskResult(result))] + evaluateNext()
    }

    /// This worker cannot go on. The coordinator is told until it answers.
    public mutating func failed(_ reason: String) -> [Action] {
        guard end == nil, failure == nil else { return [] }
        failure = reason
        return [.send(.failure(reason: reason))]
    }

    mutating func evaluateNext() -> [Action] {
        guard !isEvaluating, let next = tasks.first else { return [] }
        isEvaluating = true
        return [.evaluate(next)]
    }

    mutating func sendProgress(at now: Duration) -> [Action] {
        lastProgress = now
        let batch = losses[min(max(sentLosses - firstLoss, 0), losses.count)...].prefix(WireLimits.losses)
        guard !batch.isEmpty else { return [] }
        let first = sentLosses
        sentLosses = first + batch.count
        return [.send(.progress(first: first, losses: Array(batch)))]
    }
}
