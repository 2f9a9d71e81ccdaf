import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// SIGINT and SIGTERM as something that a `Poller` waits for. While one exists, this process does not die of the first
/// of them; of the second it does, at once.
public final class StopSignals: Sendable {
    private let pipe: WakePipe
    private static let writeEnd = Atomic<Int32>(-1)
    private static let received = Atomic<Int32>(0)

    /// - Throws: `TransportError.system` when the process is out of file descriptors.
    public init() throws(TransportError) {
        pipe = try WakePipe()
        StopSignals.received.store(0, ordering: .relaxed)
        StopSignals.writeEnd.store(pipe.writeEnd, ordering: .releasing)
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                StopSignals.received.store(number, ordering: .relaxed)
                let end = StopSignals.writeEnd.load(ordering: .acquiring)
                var byte: UInt8 = 1
                if end >= 0 { _ = write(end, &byte, 1) }
                signal(number, SIG_DFL)
            }
        }
        // A process inherits which signals are blocked, and a launcher's thread may have blocked these.
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM] { sigaddset(&signals, number) }
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    deinit {
        for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
        StopSignals.writeEnd.store(-1, ordering: .releasing)
    }

    /// For `Poller.add(descriptor:)`.
    public var descriptor: Int32 { pipe.readEnd }

    /// The signal that has come, if any.
    public var received: Int32? {
        let number = StopSignals.received.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }
}
