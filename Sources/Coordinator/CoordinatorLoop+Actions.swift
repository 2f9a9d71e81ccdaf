import Protocol
import Search
import Transport

extension CoordinatorLoop {
    /// Does what the state machine says, and shows it.
    func perform(
        _ actions: [CoordinatorMachine.Action], _ observe: (SearchEvent) -> Void
    ) throws(CoordinatorError) {
        for action in actions {
            switch action {
            case .send(let worker, let message): try send(message, to: worker)
            case .sendState(let worker, let offset):
                if let chunk = source.chunk(at: offset) { try send(.stateChunk(chunk), to: worker) }
            case .joined(let name, let count): observe(.workerJoined(name: name, count: count))
            case .refused(let name, let reason):
                if door.refusalLine(name, reason) != nil { observe(.workerRefused(name: name, reason: reason)) }
            case .trainingStarted(let workers, let standBys):
                if standBys > 0 {
                    let shards = plan.configuration.shards
                    observe(
                        .message(
                            "\(workers) workers train, one for each of the \(shards) shards of a batch; "
                                + "\(standBys) more wait for the selection"))
                }
                observe(
                    .trainingStarted(epochs: plan.configuration.epochs, stepsPerEpoch: plan.stepsPerEpoch))
            case .generationChanged(let number, let workers, let standBys, let reason):
                observe(.generationChanged(number: number, workers: workers, standBys: standBys, reason: reason))
            case .generationBegan(let number, let halfStep, let waited):
                counters.generations += 1
                observe(.generationBegan(number: number, halfStep: halfStep, seconds: waited.inSeconds))
            case .losses(let first, let entries): record(entries, first: first, observe)
            case .snapshot(_, let bytes):
                try keep(bytes)
                bases.keep(state)
            case .rewound(let base, let reason): rewind(to: base, reason: reason, observe)
            case .suspended(let bytes):
                if let bytes { try keep(bytes) }
                isSuspended = true
            case .selecting(let report, let bytes): try startSelection(report, bytes, observe)
            case .result(let assignment, let result, let worker):
                try record(assignment, result, from: worker, observe)
            case .lost(let name, let reason, let tasks):
                counters.lostWorkers += 1
                observe(.workerLost(name: name, reason: reason))
                for assignment in tasks {
                    if let place = verifications.firstIndex(where: { $0.outstanding == assignment.id }) {
                        verifications[place].outstanding = nil
                        continue
                    }
                    if let task = dispatched[assignment.id] { selection?.returnTask(task) }
                }
            case .slow(let name, let times, let standsBy):
                observe(.workerSlow(name: name, times: times, standsBy: standsBy))
            case .abandoned(let wait): observe(.workersGone(seconds: wait.inSeconds))
            case .skipped(let halfStep, let shard): observe(.halfStepSkipped(halfStep: halfStep, shard: shard))
            case .fail(let failure):
                self.failure = self.failure ?? CoordinatorError(failure, joinTimeout: options.joinTimeout)
            }
        }
    }

    /// Takes a training state that the workers have; it is the base from now on, and kept.
    private func keep(_ bytes: [UInt8]) throws(CoordinatorError) {
        let state: TrainingState
        do throws(SearchError) {
            state = try TrainingState(
                decoding: bytes, weights: self.state.weights.count, alphas: self.state.alphas.count)
        } catch {
            throw .search(error)
        }
        self.state = state
        source = StateSource(bytes, appliedHalfSteps: state.appliedHalfSteps)
        save()
    }

    /// Forgets what was computed after a state.
    private func rewind(
        to base: CoordinatorMachine.Base, reason: String, _ observe: (SearchEvent) -> Void
    ) {
        let sound = bases.goBack(to: base.appliedHalfSteps)
        state = sound
        source = StateSource(sound.encoded(), appliedHalfSteps: sound.appliedHalfSteps)
        losses.removeLast(losses.count - sound.appliedHalfSteps)
        epoch = EpochLosses(plan: plan, after: losses)
        let place = sound.appliedHalfSteps
        observe(.rewound(halfStep: place, finishedEpochs: plan.halfStep(place).epoch, reason: reason))
        save()
    }

    /// Hands over what a later run needs to go on from here.
    func save() {
        lastSave = MonotonicClock.now
        options.save?(
            SearchState(
                training: state, losses: Array(losses.prefix(state.appliedHalfSteps)),
                skipped: machine.skippedHalfSteps.filter { $0 < state.appliedHalfSteps }, evaluations: evaluations))
    }

    /// Gives tasks to whoever can take some; moves waiting ones to idle workers when there are no new ones.
    func dispatchTasks(_ observe: (SearchEvent) -> Void) throws(CoordinatorError) {
        guard selection != nil else { return }
        try dispatchVerifications(observe)
        while machine.wantsTask {
            guard let task = selection?.takeTask() else {
                try perform(machine.rebalance(at: MonotonicClock.now), observe)
                return
            }
            guard let id = try dispatch(task, observe) else {
                selection?.returnTask(task)
                return
            }
            dispatched[id] = task
        }
    }

    /// Gives a task to the worker that can take it soonest.
    ///
    /// - Parameter excluded: names of workers that are not to get it.
    /// - Returns: the assignment's number; nil when no worker can take it now.
    func dispatch(
        _ task: StrengthTask, excluding excluded: Set<String> = [], _ observe: (SearchEvent) -> Void
    ) throws(CoordinatorError) -> Int? {
        let given = machine.dispatch(
            replacement: task.replacement.map { ($0.edge, $0.operation) }, decided: task.decided, shards: task.shards,
            criterion: task.criterion, excluding: excluded, at: MonotonicClock.now)
        guard let (id, actions) = given else { return nil }
        try perform(actions, observe)
        return id
    }

    /// What the run ends with, once everything is decided.
    func finishedOutcome() -> SearchOutcome? {
        var outcome = SearchOutcome(configuration: options.configuration, state: state, losses: losses)
        if isTrained { return outcome }
        guard let selection, selection.isFinished, verifications.isEmpty else { return nil }
        selection.conclude(&outcome)
        return outcome
    }

    private func record(_ entries: [LossEntry], first: Int, _ observe: (SearchEvent) -> Void) {
        for (offset, entry) in entries.enumerated() {
            let halfStep = plan.halfStep(first + offset)
            let loss = LossSum(loss: entry.loss, correct: entry.correct, images: entry.images)
            losses.append(loss)
            observe(.halfStepApplied(halfStep, loss))
            if let end = epoch.add(loss, of: halfStep) { observe(end) }
        }
    }

    private func startSelection(
        _ report: StateReport, _ bytes: [UInt8]?, _ observe: (SearchEvent) -> Void
    ) throws(CoordinatorError) {
        if let bytes { try keep(bytes) }
        guard options.configuration.network == nil else { return isTrained = true }
        guard report.edges > 0 else { throw .transport("a supernet's state came without β") }
        let operations = report.betas.count / report.edges
        betas = (0..<report.edges).map { edge in
            Array(report.betas[(edge * operations)..<((edge + 1) * operations)])
        }
        observe(.selectionStarted(plan, edges: report.edges))
        try beginSelection(observe)
        // A supernet that was given is kept, too: the run goes on without its file.
        if bytes == nil { save() }
    }

    /// Begins the selection with the evaluations that are known.
    ///
    /// - Parameter isRepeated: some evaluations were found to be wrong; those that followed from them are forgotten.
    func beginSelection(isRepeated: Bool = false, _ observe: (SearchEvent) -> Void) throws(CoordinatorError) {
        do throws(SearchError) {
            selection = try plan.taskSource(betas: betas)
        } catch {
            throw .search(error)
        }
        let known = evaluations
        evaluations = []
        for evaluation in known {
            do throws(SearchError) {
                let events = try selection?.record(evaluation) ?? []
                for event in events.compactMap(SearchEvent.init) { observe(event) }
                evaluations.append(evaluation)
            } catch {
                if !isRepeated { throw .search(error) }
                recorded[evaluation.task] = nil
            }
        }
    }

    private func record(
        _ assignment: TaskAssignment, _ result: TaskResult, from worker: UInt64, _ observe: (SearchEvent) -> Void
    ) throws(CoordinatorError) {
        let task = StrengthTask(
            replacement: assignment.replacement.map { .init(edge: $0.edge, operation: $0.operation) },
            decided: assignment.decided, shards: assignment.shards, criterion: assignment.criterion)
        let evaluation = SearchState.Evaluation(
            task: task,
            losses: result.losses.map { LossSum(loss: $0.loss, correct: $0.correct, images: $0.images) },
            derivatives: result.derivatives.isEmpty ? nil : result.derivatives
        ).counted
        let answer = Verification.Answer(
            worker: worker, name: machine.name(of: worker) ?? "?", evaluation: evaluation)
        if let place = verifications.firstIndex(where: { $0.outstanding == assignment.id }) {
            return try settle(place, answer, observe)
        }
        guard dispatched[assignment.id] != nil else { return }
        if let known = recorded[task], known != evaluation {
            let giver = givers[task] ?? Giver(key: 0, name: "one that is gone")
            let first = Verification.Answer(
                worker: giver.key, name: giver.name, evaluation: known)
            return verify(task, answer, against: first)
        }
        let events: [SelectionEvent]
        do throws(SearchError) {
            events = try selection?.record(evaluation) ?? []
        } catch {
            throw .search(error)
        }
        if recorded[task] == nil {
            recorded[task] = evaluation
            evaluations.append(evaluation)
            givers[task] = Giver(key: worker, name: answer.name)
            if Verification.isDue(task, rate: options.auditRate) { verify(task, answer, against: nil) }
        }
        if let progress = selection?.progress {
            observe(.evaluationsDone(done: progress.done, total: progress.total))
        }
        for event in events.compactMap(SearchEvent.init) { observe(event) }
        if !events.isEmpty || MonotonicClock.now - lastSave >= Selection.saveInterval { save() }
    }
}
