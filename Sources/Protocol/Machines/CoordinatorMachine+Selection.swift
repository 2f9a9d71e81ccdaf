extension CoordinatorMachine {
    /// Whether a worker could take a task.
    public var wantsTask: Bool { phase == .selecting && freest() != nil }

    /// Gives a task to the worker with the fewest.
    ///
    /// - Parameters:
    ///   - criterion: where criteria are compared, the place of the one that the task is for.
    ///   - excluded: names of workers that are not to get it, since they have answered it. One that joined anew has
    ///     another key, and is the same worker.
    /// - Returns: nil when no worker can take it now.
    public mutating func dispatch(
        replacement: (edge: Int, operation: Int)?, decided: [Int?], shards: Range<Int>, criterion: Int? = nil,
        excluding excluded: Set<String> = [], at now: Duration
    ) -> (id: Int, actions: [Action])? {
        guard phase == .selecting, let key = freest(excluding: excluded) else { return nil }
        let id = nextTask
        nextTask += 1
        let task = TaskAssignment(
            id: id, replacement: replacement, decided: decided, shards: shards, criterion: criterion)
        tasks[id] = (task, excluded)
        return (id, give(task, to: key, at: now))
    }

    /// To be called when there are no new tasks: a worker without any takes over one that another has not begun, or
    /// repeats one that takes much longer than usual; never one that it was not to get.
    public mutating func rebalance(at now: Duration) -> [Action] {
        guard phase == .selecting else { return [] }
        var actions: [Action] = []
        for idle in order where workers[idle]?.report != nil && workers[idle]?.queue.isEmpty == true {
            if let (holder, id) = waitingTask(for: idle), let task = tasks[id]?.assignment {
                workers[holder]?.queue.removeAll { $0.id == id }
                actions.append(.send(to: holder, .revoke(id: id)))
                actions += give(task, to: idle, at: now)
            } else if let id = straggler(for: idle, at: now), let task = tasks[id]?.assignment {
                duplicatedTasks += 1
                actions += give(task, to: idle, at: now)
            }
        }
        return actions
    }

    mutating func take(_ result: TaskResult, from key: UInt64, at now: Duration) -> [Action] {
        let id = result.id
        guard phase == .selecting, let task = tasks[id]?.assignment, result.losses.count == task.shards.count else {
            return []
        }
        var actions: [Action] = []
        for other in order {
            guard let queue = workers[other]?.queue, let place = queue.firstIndex(where: { $0.id == id }) else {
                continue
            }
            if other == key, place == 0, let since = queue[0].headSince {
                let time = now - since
                averageTaskTime = averageTaskTime.map { ($0 * 7 + time) / 8 } ?? time
            } else if other != key {
                actions.append(.send(to: other, .revoke(id: id)))
            }
            workers[other]?.queue.remove(at: place)
            if workers[other]?.queue.first?.headSince == nil, workers[other]?.queue.isEmpty == false {
                workers[other]?.queue[0].headSince = now
            }
        }
        answered.insert(id)
        lostOverTask.removeAll { $0.task.isSameWork(as: task) }
        return actions + [.result(task, result, from: key)]
    }

    private mutating func give(_ task: TaskAssignment, to key: UInt64, at now: Duration) -> [Action] {
        let isHead = workers[key]?.queue.isEmpty ?? true
        workers[key]?.queue.append(Worker.Outstanding(id: task.id, sent: now, headSince: isHead ? now : nil))
        return [.send(to: key, .task(task))]
    }

    /// Whether there is a worker besides these that has the state.
    public func hasOther(than excluded: Set<String>) -> Bool {
        workers.values.contains { $0.report != nil && !excluded.contains($0.hello.name) }
    }

    private func freest(excluding excluded: Set<String> = []) -> UInt64? {
        var best: (key: UInt64, count: Int)?
        for key in order {
            guard let worker = workers[key], worker.report != nil, !excluded.contains(worker.hello.name) else {
                continue
            }
            let count = worker.queue.count
            if count < CoordinatorMachine.credit, best.map({ count < $0.count }) ?? true { best = (key, count) }
        }
        return best?.key
    }

    private func isExcluded(_ key: UInt64, from task: Int) -> Bool {
        guard let excluded = tasks[task]?.excluded, let name = workers[key]?.hello.name else { return false }
        return excluded.contains(name)
    }

    /// The task that has waited longest behind another one.
    private func waitingTask(for idle: UInt64) -> (holder: UInt64, id: Int)? {
        var best: (holder: UInt64, waiting: Worker.Outstanding)?
        for key in order {
            for waiting in workers[key]?.queue.dropFirst() ?? []
            where !isExcluded(idle, from: waiting.id) && best.map({ waiting.sent < $0.waiting.sent }) ?? true {
                best = (key, waiting)
            }
        }
        return best.map { ($0.holder, $0.waiting.id) }
    }

    /// A task that one worker alone has had for three times as long as is usual, and a second at least.
    private func straggler(for idle: UInt64, at now: Duration) -> Int? {
        guard let averageTaskTime else { return nil }
        let patience = max(.seconds(1), averageTaskTime * 3)
        var copies: [Int: Int] = [:]
        var late: (id: Int, since: Duration)?
        for worker in workers.values {
            for outstanding in worker.queue { copies[outstanding.id, default: 0] += 1 }
        }
        for key in order {
            guard let head = workers[key]?.queue.first, let since = head.headSince, copies[head.id] == 1,
                !isExcluded(idle, from: head.id), now - since >= patience, late.map({ since < $0.since }) ?? true
            else { continue }
            late = (head.id, since)
        }
        return late?.id
    }
}

extension TaskAssignment {
    /// Whether the same is to be computed, whatever the numbers.
    func isSameWork(as other: TaskAssignment) -> Bool {
        var other = other
        other.id = id
        return self == other
    }
}
