#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Time that no wrong or changed wall clock disturbs.
public enum MonotonicClock {
    /// Since some moment before this process began.
    public static var now: Duration { Duration(readFrom: CLOCK_MONOTONIC) }
}

extension Duration {
    /// What one of the system's clocks shows.
    public init(readFrom clock: clockid_t) {
        var time = timespec()
        clock_gettime(clock, &time)
        self = .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }

    /// As a number of seconds.
    public var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
