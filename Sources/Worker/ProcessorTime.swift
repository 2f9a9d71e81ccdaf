import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Processor time of this process.
enum ProcessorTime {
    /// Of all threads but the one that asks.
    static var ofOtherThreads: Duration { read(CLOCK_PROCESS_CPUTIME_ID) - read(CLOCK_THREAD_CPUTIME_ID) }

    private static func read(_ clock: clockid_t) -> Duration {
        var time = timespec()
        clock_gettime(clock, &time)
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }
}

extension Atomic<Int> {
    /// Adds a number of microseconds.
    func add(_ time: Duration) {
        wrappingAdd(Int(time / .microseconds(1)), ordering: .relaxed)
    }
}
