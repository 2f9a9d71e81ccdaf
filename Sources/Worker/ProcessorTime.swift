import Synchronization
import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Processor time of this process.
enum ProcessorTime {
    /// Of all threads but the one that asks.
    static var ofOtherThreads: Duration {
        Duration(readFrom: CLOCK_PROCESS_CPUTIME_ID) - Duration(readFrom: CLOCK_THREAD_CPUTIME_ID)
    }
}

extension Atomic<Int> {
    /// Adds a number of microseconds.
    func add(_ time: Duration) {
        wrappingAdd(Int(time / .microseconds(1)), ordering: .relaxed)
    }
}
