import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// SIGHUP as something that a `Poller` waits for. While one exists, this process does not die of it.
public final class HangupSignal: Sendable {
    private let pipe: WakePipe
    private static let writeEnd = Atomic<Int32>(-1)

    /// - Throws: `TransportError.system` when the process is out of file descriptors.
    public init() throws(TransportError) {
        pipe = try WakePipe()
        HangupSignal.writeEnd.store(pipe.writeEnd, ordering: .releasing)
        signal(SIGHUP) { _ in
            let end = HangupSignal.writeEnd.load(ordering: .acquiring)
            var byte: UInt8 = 1
            if end >= 0 { _ = write(end, &byte, 1) }
        }
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGHUP)
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    deinit {
        signal(SIGHUP, SIG_DFL)
        HangupSignal.writeEnd.store(-1, ordering: .releasing)
    }

    /// For `Poller.add(descriptor:)`.
    public var descriptor: Int32 { pipe.readEnd }

    /// To be called when it has come, before what it asks for is done.
    public func clear() { pipe.clear() }
}
