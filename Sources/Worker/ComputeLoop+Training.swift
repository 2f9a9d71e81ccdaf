import Kernels
import Protocol
import Search
import Transport

extension ComputeLoop {
    /// Computes this worker's shards of the next half-step, hands out partial sums as they become final, and applies
    /// the sum over all workers; or gives the half-step up, when there is a newer generation.
    func computeHalfStep(_ replica: Replica, _ membership: Membership) {
        let halfStep = replica.plan.halfStep(replica.appliedHalfSteps)
        if membership.skipped.contains(halfStep.index) { return skip(halfStep, replica, membership) }
        if let change = sabotage?.beforeHalfStep { change(halfStep.index, &replica.state) }
        let count = replica.gradientCount(of: halfStep)
        let isAlone = membership.members.count == 1
        let sum = buffer.prefix(count)
        let network = ProcessorTime.ofOtherThreads
        defer { monitor.networkMicroseconds.add(ProcessorTime.ofOtherThreads - network) }
        if !isAlone {
            events.post(
                .began(
                    generation: membership.generation, halfStep: halfStep.index, elements: count,
                    stateDigest: replica.stateDigest()))
        }
        let audit = GradientAudit(halfStep: halfStep.index, membership: membership)
        guard let own = computeShards(replica, halfStep, membership, audit, into: isAlone ? sum : nil) else {
            monitor.repeated.wrappingAdd(1, ordering: .relaxed)
            return
        }
        var losses = own.losses
        if !isAlone {
            var digest = own.audit
            if let audit, digest == nil, audit.ranks.contains(membership.rank) {
                digest = replica.gradientDigest(shard: audit.shard, of: halfStep)
                monitor.work.wrappingAdd(1, ordering: .relaxed)
            }
            events.post(
                .computed(
                    generation: membership.generation, losses: losses.map(LossEntry.init), audit: digest))
            let computed = MonotonicClock.now
            guard let all = waitForSum(membership.generation) else {
                monitor.repeated.wrappingAdd(1, ordering: .relaxed)
                return
            }
            monitor.waitedMicroseconds.add(MonotonicClock.now - computed)
            losses = all.map(LossSum.init)
        }
        do throws(SearchError) {
            try replica.apply(halfStep, gradientSum: sum, losses: losses)
        } catch {
            guard case .nonFinite = error else { return fail(.computation(error.description)) }
            return object(halfStep, shard: membership.members[membership.rank].run.lowerBound, membership)
        }
        tellApplied(replica, membership, loss: LossSum.sum(losses))
    }

    /// The own shards' losses, and the digest of the audited shard's gradient if it is one of them; nil when the half-step
    /// is given up, or when a gradient or loss is not finite.
    private func computeShards(
        _ replica: Replica, _ halfStep: HalfStep, _ membership: Membership, _ audit: GradientAudit?,
        into sum: UnsafeMutableBufferPointer<Float>?
    ) -> (losses: [LossSum], audit: UInt64?)? {
        let run = membership.members[membership.rank].run
        let generation = membership.generation
        let count = replica.gradientCount(of: halfStep)
        var outgoing = FinishedChunks(count: count)
        var bad: Range<Int>?
        var next = run.lowerBound
        var digest: UInt64?
        let start = MonotonicClock.now
        let losses = replica.computeShards(
            run, of: halfStep, audit: audit.map { ($0.shard, { digest = $0 }) },
            isCancelled: {
                sabotage?.beforeShard?(halfStep.index, next)
                if next > run.lowerBound { monitor.work.wrappingAdd(1, ordering: .relaxed) }
                next += 1
                return bad != nil || isGivenUp(generation)
            }
        ) { subtree, elements, source in
            for chunk in outgoing.take(elements, of: subtree) {
                let range = GradientChunks.range(chunk, of: count)
                let isFinite = withPartialSum(source + range.lowerBound, halfStep, subtree, range) { floats in
                    guard let base = floats.baseAddress, VectorAddition.sumOfSquares(base, count: floats.count).isFinite
                    else { return false }
                    if let target = sum?.baseAddress {
                        (target + range.lowerBound).update(from: base, count: floats.count)
                    } else {
                        events.post(
                            .partial(
                                generation: generation, chunk: chunk, subtree: subtree,
                                bytes: [UInt8](UnsafeRawBufferPointer(floats))))
                    }
                    return true
                }
                if !isFinite { bad = bad ?? subtree }
            }
        }
        monitor.work.wrappingAdd(1, ordering: .relaxed)
        monitor.trainedShards.wrappingAdd(losses.count, ordering: .relaxed)
        monitor.trainingMicroseconds.add(MonotonicClock.now - start)
        if let place = losses.firstIndex(where: { !$0.loss.isFinite }) {
            let shard = run.lowerBound + place
            bad = bad ?? shard..<(shard + 1)
        }
        if let bad {
            object(halfStep, shard: bad.lowerBound, membership)
            return nil
        }
        return losses.count == run.count && !isGivenUp(generation) ? (losses, digest) : nil
    }

    /// Calls `use` with a chunk of a partial sum: with a copy that was tampered with, when a test wants that.
    private func withPartialSum(
        _ source: UnsafePointer<Float>, _ halfStep: HalfStep, _ subtree: Range<Int>, _ elements: Range<Int>,
        use: (UnsafeBufferPointer<Float>) -> Bool
    ) -> Bool {
        let floats = UnsafeBufferPointer(start: source, count: elements.count)
        guard let tamper = sabotage?.partialSum else { return use(floats) }
        var copy = [Float](floats)
        tamper(halfStep.index, subtree, elements.lowerBound, &copy)
        return copy.withUnsafeBufferPointer(use)
    }

    /// Tells that a sum is not finite, and waits for another generation.
    private func object(_ halfStep: HalfStep, shard: Int, _ membership: Membership) {
        events.post(.notFinite(generation: membership.generation, halfStep: halfStep.index, shard: shard))
        _ = waitForSum(membership.generation)
    }

    private func skip(_ halfStep: HalfStep, _ replica: Replica, _ membership: Membership) {
        do throws(SearchError) {
            let loss = try replica.skip(halfStep)
            tellApplied(replica, membership, loss: loss)
        } catch {
            fail(.computation(error.description))
        }
    }

    private func tellApplied(_ replica: Replica, _ membership: Membership, loss: LossSum) {
        let applied = replica.appliedHalfSteps
        events.post(.applied(halfSteps: applied, loss: LossEntry(loss)))
        if membership.rank == 0, membership.snapshotInterval > 0, applied % membership.snapshotInterval == 0,
            applied < membership.halfSteps
        {
            events.post(
                .snapshot(replica.state.encoded(), appliedHalfSteps: applied, digest: replica.stateDigest()))
        }
        if applied == membership.halfSteps { tellState(replica, generation: membership.generation) }
    }
}

/// Which chunks are final, as finished ranges of each subtree's sum come in falling order.
struct FinishedChunks {
    private let count: Int
    /// By lower bound of the subtree: the chunk from which on all have been given out.
    private var given: [Int: Int] = [:]

    init(count: Int) {
        self.count = count
    }

    /// Chunks that `elements` complete, the last first.
    mutating func take(_ elements: Range<Int>, of subtree: Range<Int>) -> [Int] {
        let upper = given[subtree.lowerBound] ?? GradientChunks.count(of: count)
        let size = GradientChunks.elements
        let lower = min((elements.lowerBound + size - 1) / size, upper)
        given[subtree.lowerBound] = lower
        return (lower..<upper).reversed()
    }
}

extension LossEntry {
    init(_ sum: LossSum) {
        self.init(loss: sum.loss, correct: sum.correct, images: sum.images)
    }
}

extension LossSum {
    init(_ entry: LossEntry) {
        self.init(loss: entry.loss, correct: entry.correct, images: entry.images)
    }
}
