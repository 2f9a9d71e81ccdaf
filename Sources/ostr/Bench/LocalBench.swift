import Datasets
import Search
import Supernet

/// Steps in this process, on one core: what a worker computes, without the network.
struct LocalBench {
    let configuration: SearchConfiguration
    let dataset: ImageDataset
    let work: BenchCommand.Work

    /// - Throws: `SearchError` for impossible sizes, or when a step diverges.
    func time(warmup: Int, steps: Int) throws -> [Double] {
        let replica = try Replica(configuration: configuration, dataset: dataset)
        if work == .evaluate { return evaluations(replica, count: warmup + steps) }
        return try halfSteps(replica, kind: work == .weights ? .weights : .alphas, count: warmup + steps)
    }

    /// Trains in turn as a search does, and times the half-steps of one kind.
    private func halfSteps(_ replica: Replica, kind: HalfStep.Kind, count: Int) throws(SearchError) -> [Double] {
        let clock = ContinuousClock()
        var sum = [Float](repeating: 0, count: max(replica.gradientCount(.weights), replica.gradientCount(.alphas)))
        var seconds: [Double] = []
        for index in 0..<(2 * count) {
            let halfStep = replica.plan.halfStep(index)
            let size = replica.gradientCount(halfStep.kind)
            let start = clock.now
            // A rethrowing closure would lose the error's type.
            let result = sum.withUnsafeMutableBufferPointer { buffer -> Result<Void, SearchError> in
                let target = UnsafeMutableBufferPointer(rebasing: buffer[..<size])
                let losses = replica.computeShards(0..<configuration.shards, of: halfStep) { _, elements, source in
                    guard let base = target.baseAddress else { return }
                    (base + elements.lowerBound).update(from: source + elements.lowerBound, count: elements.count)
                }
                do throws(SearchError) {
                    try replica.apply(halfStep, gradientSum: target, losses: losses)
                    return .success(())
                } catch {
                    return .failure(error)
                }
            }
            try result.get()
            if halfStep.kind == kind { seconds.append((clock.now - start) / .seconds(1)) }
        }
        return seconds
    }

    /// One batch through the supernet, forward alone.
    private func evaluations(_ replica: Replica, count: Int) -> [Double] {
        let clock = ContinuousClock()
        let edges = replica.betas().count
        let task = StrengthTask(
            replacement: nil, decided: Array(repeating: nil, count: edges), shards: 0..<configuration.shards)
        return (0..<count).map { _ in clock.measure { _ = replica.evaluate(task) } / .seconds(1) }
    }
}
