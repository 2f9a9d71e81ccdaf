import Foundation
import Kernels

/// What one core can do at most, measured here and now.
struct MachineBounds {
    /// Billions of operations a second, a fused multiply-add being two.
    var fmaPeak: Double
    /// Billions of bytes a second from memory and back, by a = b + s c over 192 MiB.
    var memory: Double
    /// The same over 192 KiB, which the second level of a cache holds.
    var cache: Double

    static func measure(fmaPeak: Double? = nil) -> MachineBounds {
        MachineBounds(
            fmaPeak: fmaPeak ?? MachineBounds.fmaPeak(), memory: triad(bytes: 192 << 20, rounds: 1),
            cache: triad(bytes: 192 << 10, rounds: 200))
    }

    /// The best of several runs of some milliseconds.
    static func fmaPeak() -> Double {
        best(of: 10) { sink in 2 * PeakMeasurement.multiplyAdds(iterations: 1_000_000, sink: &sink) }
    }

    private static func triad(bytes: Int, rounds: Int) -> Double {
        let triad = TriadMeasurement(bytes: bytes)
        return best(of: 8) { sink in triad.run(rounds: rounds, sink: &sink) }
    }

    /// Billions a second of what `body` returns.
    private static func best(of count: Int, _ body: (inout Float) -> Int) -> Double {
        let clock = ContinuousClock()
        var sink: Float = 1
        var best = 0.0
        for _ in 0..<count {
            var done = 0
            let seconds = clock.measure { done = body(&sink) } / .seconds(1)
            // The sink keeps the work from being optimised away.
            if seconds > 0 && sink.isFinite { best = max(best, Double(done) / seconds / 1e9) }
        }
        return best
    }
}

/// What processes have used so far.
enum ProcessUsage {
    /// Largest resident memory in bytes: of this process, or of the largest child that has ended.
    static func peakBytes(ofChildren: Bool = false) -> Int {
        #if os(Linux)
            usage(ofChildren: ofChildren).ru_maxrss * 1024
        #else
            usage(ofChildren: ofChildren).ru_maxrss
        #endif
    }

    /// Seconds of processor time: of this process, or of all children that have ended.
    static func cpuSeconds(ofChildren: Bool = false) -> Double {
        let usage = usage(ofChildren: ofChildren)
        return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) * 1e-6 }
    }

    private static func usage(ofChildren: Bool) -> rusage {
        var usage = rusage()
        #if os(Linux)
            getrusage(ofChildren ? RUSAGE_CHILDREN.rawValue : RUSAGE_SELF.rawValue, &usage)
        #else
            getrusage(ofChildren ? RUSAGE_CHILDREN : RUSAGE_SELF, &usage)
        #endif
        return usage
    }
}
