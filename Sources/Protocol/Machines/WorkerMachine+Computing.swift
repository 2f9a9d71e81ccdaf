extension WorkerMachine {
    /// The images are loaded.
    public mutating func loaded(_ ready: Ready) -> [Action] {
        guard end == nil, phase == .loading else { return [] }
        phase = .ready
        self.ready = ready
        return [.send(.ready(ready))]
    }

    /// A half-step was applied. The lowest rank tells the coordinator the whole batch's loss sum.
    public mutating func applied(halfSteps: Int, loss: LossEntry, at now: Duration) -> [Action] {
        guard end == nil, let membership else { return [] }
        appliedHalfSteps = halfSteps
        guard membership.rank == 0 else { return [] }
        losses.append(loss)
        return sendProgress(at: now)
    }

    /// The training is over, or a state was taken: this is what the state is.
    public mutating func reported(_ report: StateReport, at now: Duration) -> [Action] {
        guard end == nil else { return [] }
        isImporting = false
        self.report = report
        appliedHalfSteps = report.appliedHalfSteps
        lastReport = now
        return [.send(.stateReport(report))]
    }

    /// The state's bytes, as `exportState` asked for.
    public mutating func exported(_ bytes: [UInt8]) -> [Action] {
        guard end == nil else { return [] }
        let source = StateSource(bytes)
        self.source = source
        defer { wantedOffsets = [] }
        return wantedOffsets.compactMap { source.chunk(at: $0) }.map { .send(.stateChunk($0)) }
    }

    /// A task's loss sums.
    public mutating func evaluated(id: Int, losses: [LossEntry]) -> [Action] {
        guard end == nil else { return [] }
        results.append((id, losses))
        if results.count > WorkerMachine.keptResults { results.removeFirst() }
        tasks.removeAll { $0.id == id }
        var actions: [Action] = [.send(.taskResult(id: id, losses: losses))]
        if let next = tasks.first { actions.append(.evaluate(next)) }
        return actions
    }

    /// This worker cannot go on. The coordinator is told until it answers.
    public mutating func failed(_ reason: String) -> [Action] {
        guard end == nil, failure == nil else { return [] }
        failure = reason
        return [.send(.failure(reason: reason))]
    }

    mutating func sendProgress(at now: Duration) -> [Action] {
        lastProgress = now
        let first = sentLosses
        let batch = losses[min(first, losses.count)...].prefix(WireLimits.losses)
        guard !batch.isEmpty else { return [] }
        sentLosses = first + batch.count
        return [.send(.progress(first: first, losses: Array(batch)))]
    }
}
