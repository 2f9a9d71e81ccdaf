extension CoordinatorMachine {
    /// To be called when `deadline` is reached: pings everybody, and notices who is silent or does not get on.
    public mutating func tick(at now: Duration) -> [Action] {
        guard now >= nextPing else { return [] }
        nextPing = now + CoordinatorMachine.pingInterval
        if phase == .finishing {
            for key in order where workers[key].map({ isGone($0, at: now) != nil }) ?? false { forget(key) }
            return order.filter { workers[$0] != nil }.map { .send(to: $0, .finish(reason: finishReason ?? "")) }
        }
        if phase == .gathering, !isFollowing, now - started >= plan.joinTimeout {
            return fail(.tooFewWorkers(ready: readyWorkers, expected: plan.expectedWorkers))
        }
        if let since = abandonedSince, now - since >= plan.workerTimeout {
            return fail(.abandoned(waited: now - since, last: lastLoss))
        }
        var actions: [Action] = []
        if phase == .gathering, isFollowing, readyWorkers > 0, now - started >= plan.silenceTimeout {
            actions += start(at: now)
        }
        for key in order {
            guard let worker = workers[key] else { continue }
            if let reason = isGone(worker, at: now) ?? isStuck(worker, key, at: now) {
                actions += [.send(to: key, .dismissal(reason: reason, resetState: false))]
                actions += lose(key, reason: reason, at: now)
            }
        }
        actions += watchGeneration(at: now)
        if assembly != nil { actions += requestState(at: now) }
        return actions + orderSynchronization() + order.map { .send(to: $0, ping()) }
    }

    /// The connection to a worker is cut. It counts as lost if it does not make another soon.
    public mutating func unreachable(_ key: UInt64, at now: Duration) {
        if let worker = workers[key], worker.unreachableSince == nil { workers[key]?.unreachableSince = now }
    }

    /// A worker is known to be gone, from outside of the messages.
    public mutating func lost(_ worker: UInt64, reason: String, at now: Duration) -> [Action] {
        phase == .finishing ? [] : lose(worker, reason: reason, at: now)
    }

    /// The same, for one whose name alone is known.
    public mutating func lost(_ name: String, reason: String, at now: Duration) -> [Action] {
        guard let key = order.first(where: { workers[$0]?.hello.name == name }) else { return [] }
        return lost(key, reason: reason, at: now)
    }

    private func isGone(_ worker: Worker, at now: Duration) -> String? {
        if now - worker.lastHeard >= plan.silenceTimeout {
            return "nothing came from it for \(seconds(now - worker.lastHeard)) s"
        }
        if let since = worker.unreachableSince, now - since >= plan.reconnectTimeout {
            return "its connection is gone (nothing came from it for \(seconds(now - worker.lastHeard)) s)"
        }
        return nil
    }

    private func isStuck(_ worker: Worker, _ key: UInt64, at now: Duration) -> String? {
        if let since = worker.queue.first?.headSince {
            let patience = averageTaskTime.map { min(plan.progressTimeout, .seconds(2) + $0 * 20) }
            if now - since >= patience ?? plan.progressTimeout {
                return "it has not answered a task for \(seconds(now - since)) s"
            }
        }
        if phase == .collecting, assembly?.source == key, now - lastProgress >= max(.seconds(5), patience(shards: 1)) {
            return "it has not sent the trained state for \(seconds(now - lastProgress)) s"
        }
        // Whoever loads images, or takes a state, is given the longest time.
        let isComputing = phase == .training && isMember(key)
        let limit = isComputing ? patience(shards: 1) : plan.progressTimeout
        guard worker.isBusy, now - worker.lastWork >= limit else { return nil }
        return "its computation has not got on for \(seconds(now - worker.lastWork)) s"
    }

    /// How long the computation of so many shards may take at most, by what it took so far.
    func patience(shards: Int) -> Duration {
        guard let slowest = shardTimes.max() else { return plan.progressTimeout }
        return min(plan.progressTimeout, .seconds(2) + slowest * (8 * shards))
    }

    /// Takes newcomers in, and gives a generation up that does not get on though nobody in it is busy.
    private mutating func watchGeneration(at now: Duration) -> [Action] {
        guard phase == .training, !members.isEmpty else { return [] }
        if hasBegun {
            // Between two half-steps, and never so often that none is finished.
            if hasGotOn, let reason = wantedChange ?? returnFromRest(at: now) { return change(reason, at: now) }
        }
        guard members.count > 1 else { return [] }
        let since = hasBegun ? lastProgress : max(assembled, latestWork)
        let limit = max(.seconds(5), patience(shards: members.map(\.run.count).max() ?? 1))
        guard now - since >= limit, !members.contains(where: { workers[$0.worker]?.isBusy == true }) else { return [] }
        guard let rank = mostAwaited() else { return [] }
        let member = members[rank]
        workers[member.worker]?.rests += 1
        let pause = Duration.seconds(5) * (1 << min((workers[member.worker]?.rests ?? 1) - 1, 4))
        workers[member.worker]?.restsUntil = now + pause
        return change(
            "no half-step was finished for \(seconds(now - since)) s, and what \(member.name) sends does not arrive",
            at: now)
    }

    private var latestWork: Duration {
        members.compactMap { workers[$0.worker]?.lastWork }.max() ?? assembled
    }

    /// The member that others wait for: by most; of equals the last.
    private func mostAwaited() -> Int? {
        if !hasBegun {
            return members.indices.last { rank in
                let standing = workers[members[rank].worker]?.standing
                return standing == nil || standing?.appliedHalfSteps != target?.appliedHalfSteps
                    || standing?.digest != target?.digest
            }
        }
        var counts = Array(repeating: 0, count: members.count)
        for member in members {
            for rank in workers[member.worker]?.awaited ?? [] where counts.indices.contains(rank) { counts[rank] += 1 }
        }
        let most = counts.max() ?? 0
        return counts.lastIndex(of: most)
    }

    private func returnFromRest(at now: Duration) -> String? {
        guard members.count < plan.shards else { return nil }
        for key in order where !isMember(key) {
            guard let worker = workers[key], worker.isReady, worker.restsUntil.map({ now >= $0 }) ?? false else {
                continue
            }
            return "\(worker.hello.name) has rested"
        }
        return nil
    }

    /// A worker is none of the run's any more; what it counted stays counted.
    mutating func forget(_ key: UInt64) {
        guard let worker = workers.removeValue(forKey: key) else { return }
        order.removeAll { $0 == key }
        departed = departed + worker.counters
    }

    /// A worker is gone. What it was to do is for others.
    ///
    /// - Parameters:
    ///   - changes: whether a new generation is made at once.
    ///   - blamesWork: what it had to compute may be why it is gone; not so if it said that it leaves, or was ejected.
    mutating func lose(
        _ key: UInt64, reason: String, at now: Duration, changes: Bool = true, blamesWork: Bool = true
    ) -> [Action] {
        guard let worker = workers[key] else { return [] }
        let name = worker.hello.name
        forget(key)
        lastLoss = "\(name) on \(worker.hello.host): \(reason)"
        let held = Set(workers.values.flatMap { $0.queue.map(\.id) })
        let orphans = worker.queue.map(\.id).filter { !held.contains($0) && !answered.contains($0) }
        var actions: [Action] = [.lost(name: name, reason: reason, tasks: orphans.compactMap { tasks[$0]?.assignment })]
        if hasStarted, readyWorkers == 0, abandonedSince == nil {
            abandonedSince = now
            actions.append(.abandoned(wait: plan.workerTimeout))
        }
        if assembly?.source == key {
            assembly = nil
            actions += collect(at: now)
        }
        switch phase {
        case .training:
            guard let member = members.first(where: { $0.worker == key }) else { break }
            if hasBegun, blamesWork {
                losses.append((name, member.run, reason))
                if let failure = hopelessShards { return actions + fail(failure) }
            }
            if changes { actions += change("\(name) is lost: \(reason)", at: now) }
        case .selecting:
            if blamesWork, let task = worker.queue.first.flatMap({ tasks[$0.id]?.assignment }),
                !answered.contains(task.id)
            {
                lostOverTask.append((task, name))
                // It has another number each time that it is dispatched.
                let names = lostOverTask.filter { $0.task.isSameWork(as: task) }.map(\.worker)
                if names.count >= CoordinatorMachine.attempts {
                    return actions
                        + fail(.hopeless(work: text(task), shards: task.shards, workers: names, reason: reason))
                }
            }
        case .gathering, .collecting, .finishing: break
        }
        return actions
    }

    /// Several members were lost, one generation after the other, over the same shards of the same half-step.
    private var hopelessShards: Failure? {
        guard losses.count >= CoordinatorMachine.attempts, let last = losses.last else { return nil }
        let latest = losses.suffix(CoordinatorMachine.attempts)
        let lower = latest.map(\.shards.lowerBound).max() ?? 0
        let upper = latest.map(\.shards.upperBound).min() ?? 0
        guard lower < upper else { return nil }
        return .hopeless(
            work: "half-step \(members.compactMap { workers[$0.worker]?.applied }.max() ?? knownLosses)",
            shards: lower..<upper, workers: latest.map(\.name), reason: last.reason)
    }

    private func text(_ task: TaskAssignment) -> String {
        guard let replacement = task.replacement else { return "the supernet's evaluation" }
        return "the evaluation of operation \(replacement.operation) on edge \(replacement.edge)"
    }

    mutating func fail(_ failure: Failure) -> [Action] {
        [.fail(failure)]
    }

    func seconds(_ duration: Duration) -> String {
        let tenths = Int((Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18) * 10)
        return "\(tenths / 10).\(tenths % 10)"
    }
}
