import Protocol
import Search

extension ComputeLoop {
    /// Computes this worker's shards of the next half-step, hands out partial sums as they become final, and applies
    /// the sum over all workers.
    func computeHalfStep(_ replica: Replica, _ membership: Membership) {
        let halfStep = replica.plan.halfStep(replica.appliedHalfSteps)
        let count = replica.gradientCount(halfStep.kind)
        let run = membership.members[membership.rank].run
        let sum = buffer.prefix(count)
        let losses: [LossSum]
        if membership.members.count == 1 {
            losses = replica.computeShards(run, of: halfStep) { _, elements, source in
                guard let base = sum.baseAddress else { return }
                (base + elements.lowerBound).update(from: source + elements.lowerBound, count: elements.count)
            }
        } else {
            events.post(
                .began(halfStep: halfStep.index, elements: count, stateDigest: replica.stateDigest()))
            var outgoing = FinishedChunks(count: count)
            let own = replica.computeShards(run, of: halfStep) { subtree, elements, source in
                for chunk in outgoing.take(elements, of: subtree) {
                    let range = GradientChunks.range(chunk, of: count)
                    let bytes = [UInt8](
                        UnsafeRawBufferPointer(
                            UnsafeBufferPointer(start: source + range.lowerBound, count: range.count)))
                    events.post(.partial(chunk: chunk, subtree: subtree, bytes: bytes))
                }
            }
            events.post(.computed(losses: own.map(LossEntry.init)))
            guard let all = waitForSum() else { return }
            losses = all.map(LossSum.init)
        }
        do throws(SearchError) {
            try replica.apply(halfStep, gradientSum: sum, losses: losses)
        } catch {
            return fail(.computation(error.description))
        }
        let applied = replica.appliedHalfSteps
        events.post(.applied(halfSteps: applied, loss: LossEntry(LossSum.sum(losses))))
        if applied == membership.halfSteps { report(replica) }
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
