import Foundation
import Kernels
import Reporting

/// One line of `ostr bench`.
struct BenchReport: Encodable {
    var version: String
    var space: String
    var work: String
    var workers: Int
    var batch: Int
    var shards: Int
    var channels: Int
    var cells: Int
    var size: Int
    var classes: Int
    var steps: Int
    var secondsMin: Double
    var secondsMedian: Double
    var peakRssMib: Int
    var gflops: Double
    var fmaPeakGflops: Double

    /// - Parameters:
    ///   - seconds: one a step, not empty.
    ///   - multiplyAdds: of one step.
    init(_ command: BenchCommand, seconds: [Double], multiplyAdds: Int) {
        version = Version.current
        space = command.space.rawValue
        work = command.work.rawValue
        workers = command.workers
        batch = command.batches.batch
        shards = command.batches.shardCount
        channels = command.channels
        cells = command.cells
        size = command.size
        classes = command.classes
        steps = seconds.count
        let sorted = seconds.sorted()
        secondsMin = sorted.first ?? 0
        secondsMedian = sorted.isEmpty ? 0 : sorted[sorted.count / 2]
        peakRssMib = PeakMemory.bytes(ofChildren: command.workers > 1) >> 20
        gflops = secondsMin > 0 ? 2 * Double(multiplyAdds) / secondsMin / 1e9 : 0
        fmaPeakGflops = PeakTiming.measure()
    }

    enum CodingKeys: String, CodingKey {
        case version, space, work, workers, batch, shards, channels, cells, size, classes, steps, gflops
        case secondsMin = "seconds_min"
        case secondsMedian = "seconds_median"
        case peakRssMib = "peak_rss_mib"
        case fmaPeakGflops = "fma_peak_gflops"
    }
}

/// What one core can do at most.
enum PeakTiming {
    /// Billions of operations a second, a fused multiply-add being two; the best of several runs of some milliseconds.
    static func measure() -> Double {
        let clock = ContinuousClock()
        var sink: Float = 1
        var best = 0.0
        for _ in 0..<10 {
            var done = 0
            let time = clock.measure { done = PeakMeasurement.multiplyAdds(iterations: 1_000_000, sink: &sink) }
            let seconds = time / .seconds(1)
            // The sink keeps the work from being optimised away.
            if seconds > 0 && sink.isFinite { best = max(best, 2 * Double(done) / seconds / 1e9) }
        }
        return best
    }
}

/// The largest resident memory so far.
enum PeakMemory {
    /// In bytes: of this process, or of the largest child that has ended.
    static func bytes(ofChildren: Bool = false) -> Int {
        var usage = rusage()
        #if os(Linux)
            getrusage(ofChildren ? RUSAGE_CHILDREN.rawValue : RUSAGE_SELF.rawValue, &usage)
            return usage.ru_maxrss * 1024
        #else
            getrusage(ofChildren ? RUSAGE_CHILDREN : RUSAGE_SELF, &usage)
            return usage.ru_maxrss
        #endif
    }
}
