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
