@testable import Protocol

extension Simulation {
    /// Does what the coordinator's machine says, as `CoordinatorLoop` does.
    mutating func perform(_ actions: [CoordinatorMachine.Action]) throws {
        for action in actions {
            switch action {
            case .send(let key, let message):
                if case .task(let task) = message, let name = excludedFrom[task.id],
                    coordinator?.name(of: key) == name
                {
                    throw violation("task \(task.id) went to \(name), who was not to get it")
                }
                send(message, toKey: key)
            case .sendState(let key, let offset):
                if let chunk = StateSource(base.encoded(numbers), appliedHalfSteps: base.applied).chunk(at: offset) {
                    send(.stateChunk(chunk), toKey: key)
                }
            case .joined: count("joined")
            case .refused: count("refused")
            case .trainingStarted: break
            case .generationChanged: count("generation")
            case .generationBegan(let number, let halfStep, _):
                // One generation commits, and none goes back in number.
                guard number > newestBegun else { throw violation("generation \(number) began after \(newestBegun)") }
                newestBegun = number
                if halfStep < knownLosses.count { count("replayed") }
            case .losses(let first, let fresh):
                guard first == knownLosses.count else {
                    throw violation("losses from \(first) on come after \(knownLosses.count)")
                }
                for loss in fresh {
                    guard loss == numbers.losses[knownLosses.count] else {
                        throw violation("the loss of half-step \(knownLosses.count) is wrong")
                    }
                    knownLosses.append(loss)
                }
            case .snapshot(let found, let bytes):
                count("snapshot")
                try save(found, bytes)
                bases.keep(base)
            case .rewound(let found, _):
                count("rewound")
                let sound = bases.goBack(to: found.appliedHalfSteps)
                guard sound.applied == found.appliedHalfSteps,
                    sound.digest(numbers) == found.digest, knownLosses.count >= sound.applied
                else { throw violation("gone back to a state that is not there") }
                base = sound
                knownLosses = Array(knownLosses.prefix(sound.applied))
                savedLosses = knownLosses
            case .selecting(let report, let bytes):
                guard report == trained.report(numbers) else { throw violation("the trained state is wrong") }
                if let bytes {
                    try save(.init(appliedHalfSteps: report.appliedHalfSteps, digest: report.digest), bytes)
                }
                isSelecting = true
            case .result(let task, let result, _):
                let losses = result.losses
                guard let number = taskOfID[task.id], losses == numbers.taskLosses(task) else {
                    throw violation("a result of no task, or a wrong one")
                }
                if let known = results[number], known != losses { throw violation("two results differ") }
                results[number] = losses
                open.removeAll { $0 == number }
            case .lost(_, _, let tasks):
                count("lost")
                for task in tasks {
                    guard let number = taskOfID[task.id], results[number] == nil, !open.contains(number) else {
                        continue
                    }
                    count("returned task")
                    open.append(number)
                }
            case .slow: count("slow")
            case .abandoned: count("abandoned")
            case .suspended: throw violation("nobody interrupted the run")
            case .skipped: throw violation("a half-step is passed over")
            case .fail(let failure):
                if self.failure == nil {
                    self.failure = failure
                    isOver = true
                }
            }
        }
    }

    private var trained: SimulatedState {
        var state = SimulatedState()
        state.applied = numbers.halfSteps
        return state
    }

    private mutating func save(_ found: CoordinatorMachine.Base, _ bytes: [UInt8]) throws {
        let state = SimulatedState(decoding: bytes)
        guard state.drift == 0, state.applied == found.appliedHalfSteps, found.digest == state.digest(numbers) else {
            throw violation("a snapshot of a wrong state: \(state)")
        }
        guard knownLosses.count >= state.applied else { throw violation("a snapshot without its losses") }
        base = state
        savedLosses = Array(knownLosses.prefix(state.applied))
    }

    mutating func dispatch() throws {
        guard isSelecting, !isFinishing, coordinator != nil else { return }
        while coordinator?.wantsTask == true {
            guard let number = open.first else {
                let before = coordinator?.duplicatedTasks ?? 0
                try perform(coordinator?.rebalance(at: now) ?? [])
                if coordinator?.duplicatedTasks ?? 0 > before { count("duplicated task") }
                return
            }
            // Some are not for one of the workers, as when a worker's answer is verified.
            let name = "worker-\(number % names)"
            let excluded = number % 3 == 0 && coordinator?.hasOther(than: [name]) == true ? name : nil
            guard
                let (id, actions) = coordinator?.dispatch(
                    replacement: (0, number), decided: [nil], shards: number..<(number + 2),
                    excluding: excluded.map { [$0] } ?? [], at: now)
            else { return }
            open.removeFirst()
            taskOfID[id] = number
            excludedFrom[id] = excluded
            try perform(actions)
        }
    }

    mutating func endIfDone() throws {
        if isSelecting, results.count == taskCount, !isFinishing {
            isFinishing = true
            try perform(coordinator?.finish(reason: "", at: now) ?? [])
        }
        if isFinishing, coordinator?.isEveryoneGone == true {
            coordinator = nil
            isOver = true
            // Nobody who heard the coordinator is left behind.
            for worker in workers
            where worker.isAlive && worker.machine.end == nil && worker.machine.run == UInt64(coordinatorNumber) {
                count("left behind")
            }
        }
    }
}
