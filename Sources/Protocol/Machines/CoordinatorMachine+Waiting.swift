extension CoordinatorMachine {
    /// To be called when `deadline` is reached: pings everybody, and notices who is silent or does not get on.
    public mutating func tick(at now: Duration) -> [Action] {
        guard now >= nextPing else { return [] }
        nextPing = now + CoordinatorMachine.pingInterval
        if phase == .finishing {
            for key in order where workers[key].map({ now - $0.lastHeard >= plan.workerTimeout }) ?? false {
                workers[key] = nil
            }
            return order.filter { workers[$0] != nil }.map { .send(to: $0, .finish(reason: finishReason ?? "")) }
        }
        var actions: [Action] = []
        for key in order {
            guard let worker = workers[key] else { continue }
            let silence = now - worker.lastHeard
            if silence >= plan.workerTimeout {
                actions += lose(key, reason: "nothing came from it for \(seconds(silence)) s")
            } else if let since = worker.queue.first?.headSince, now - since >= plan.progressTimeout {
                actions += lose(key, reason: "it has not answered a task for \(seconds(now - since)) s")
            }
            if phase == .finishing { return actions }
        }
        if phase == .gathering, now - started >= plan.joinTimeout {
            return actions + fail(.tooFewWorkers(ready: readyWorkers, expected: plan.expectedWorkers))
        }
        if isTraining, now - lastProgress >= plan.progressTimeout {
            // Members wait for each other: the one that has applied least holds the others up.
            let slowest = members.min { (workers[$0.worker]?.applied ?? 0) < (workers[$1.worker]?.applied ?? 0) }
            if let slowest {
                actions += lose(
                    slowest.worker, reason: "no half-step was finished for \(seconds(now - lastProgress)) s")
                return actions
            }
        }
        if assembly != nil { actions += requestState(at: now) }
        return actions + order.filter { workers[$0] != nil }.map { .send(to: $0, ping()) }
    }

    /// A worker is known to be gone, from outside of the messages.
    public mutating func lost(_ worker: UInt64, reason: String) -> [Action] { lose(worker, reason: reason) }

    /// A member of the training cannot be done without; another worker can, while one is left.
    mutating func lose(_ key: UInt64, reason: String) -> [Action] {
        guard let worker = workers[key] else { return [] }
        let hello = worker.hello
        workers[key] = nil
        order.removeAll { $0 == key }
        let others = workers.values.count { $0.report != nil }
        if (isTraining && isMember(key)) || (phase == .selecting && others == 0) {
            return fail(.lost(name: hello.name, host: hello.host, reason: reason))
        }
        let held = Set(workers.values.flatMap { $0.queue.map(\.id) })
        let orphans = worker.queue.map(\.id).filter { !held.contains($0) && !answered.contains($0) }
        return [.lost(name: hello.name, reason: reason, tasks: orphans.compactMap { tasks[$0] })]
    }

    mutating func fail(_ failure: Failure) -> [Action] {
        [.fail(failure)]
    }

    private func seconds(_ duration: Duration) -> Int { Int(duration.components.seconds) }
}
