import Datasets
import Kernels
import Search
import Supernet

/// Steps in this process, on one core: what a worker computes, without the network.
struct LocalBench {
    /// Seconds of steps: without a profile, and with one.
    struct Times {
        var plain: [Double] = []
        var profiled: [Double] = []
    }

    let configuration: SearchConfiguration
    let dataset: ImageDataset
    let work: BenchCommand.Work

    /// How often a configuration's only step of an epoch has to be there for `time` to run.
    static func epochs(warmup: Int, steps: Int, hasProfile: Bool) -> Int { warmup + (hasProfile ? 2 : 1) * steps }

    /// - Parameter profile: if there is one, as many steps again are done with it, in turn with those without.
    /// - Throws: `SearchError` for impossible sizes, or when a step diverges.
    func time(warmup: Int, steps: Int, profile: Profile?) throws -> Times {
        let replica = try Replica(configuration: configuration, dataset: dataset)
        var sum = [Float](repeating: 0, count: max(replica.gradientCount(.weights), replica.gradientCount(.alphas)))
        var times = Times()
        for index in 0..<Self.epochs(warmup: warmup, steps: steps, hasProfile: profile != nil) {
            let isProfiled = profile != nil && index >= warmup && (index - warmup) % 2 == 1
            let seconds =
                work == .evaluate
                ? evaluation(replica, isProfiled ? profile : nil)
                : try step(replica, index, sum: &sum, isProfiled ? profile : nil)
            if index < warmup { continue }
            if isProfiled { times.profiled.append(seconds) } else { times.plain.append(seconds) }
        }
        return times
    }

    /// Trains for one step, as a search does, and times the half-step of the kind asked for.
    private func step(
        _ replica: Replica, _ index: Int, sum: inout [Float], _ profile: Profile?
    ) throws(SearchError) -> Double {
        let clock = ContinuousClock()
        var seconds = 0.0
        for halfStep in [replica.plan.halfStep(2 * index), replica.plan.halfStep(2 * index + 1)] {
            let isTimed = halfStep.kind == (work == .weights ? .weights : .alphas)
            let size = replica.gradientCount(halfStep.kind)
            if isTimed { Profile.current = profile }
            defer { Profile.current = nil }
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
            if isTimed { seconds = (clock.now - start) / .seconds(1) }
        }
        return seconds
    }

    /// Times one batch through the supernet, forward alone.
    private func evaluation(_ replica: Replica, _ profile: Profile?) -> Double {
        let task = StrengthTask(
            replacement: nil, decided: Array(repeating: nil, count: replica.betas().count),
            shards: 0..<configuration.shards)
        Profile.current = profile
        defer { Profile.current = nil }
        return ContinuousClock().measure { _ = replica.evaluate(task) } / .seconds(1)
    }
}
