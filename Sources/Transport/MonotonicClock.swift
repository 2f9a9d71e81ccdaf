#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Time that no wrong or changed wall clock disturbs.
public enum MonotonicClock {
    /// Since some moment before this process began.
    public static var now: Duration {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }
}

extension Duration {
    /// As a number of seconds.
    public var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
