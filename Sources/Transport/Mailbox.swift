import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Values that any thread posts to the one thread that waits in a `Poller`. Posting wakes that thread.
public final class Mailbox<Value: Sendable>: Sendable {
    private let values = Mutex<[Value]>([])
    private let pipe: WakePipe

    /// - Throws: `TransportError.system` when the process is out of file descriptors.
    public init() throws(TransportError) {
        pipe = try WakePipe()
    }

    /// For `Poller.add(descriptor:)`.
    public var descriptor: Int32 { pipe.readEnd }

    /// Adds a value. Any thread.
    public func post(_ value: Value) {
        let wasEmpty = values.withLock { values in
            values.append(value)
            return values.count == 1
        }
        if wasEmpty { pipe.wake() }
    }

    /// Takes all values, in the order of posting. The waiting thread only.
    public func drain() -> [Value] {
        pipe.clear()
        return values.withLock { values in
            defer { values = [] }
            return values
        }
    }
}

/// A pipe with which one thread, or a signal handler, wakes another.
final class WakePipe: Sendable {
    let readEnd: Int32
    let writeEnd: Int32

    init() throws(TransportError) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw .system(call: "pipe", code: errno) }
        for end in ends {
            // No child inherits them, and neither end waits.
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        readEnd = ends[0]
        writeEnd = ends[1]
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    func wake() {
        var byte: UInt8 = 1
        _ = write(writeEnd, &byte, 1)
    }

    func clear() {
        var bytes: (UInt64, UInt64) = (0, 0)
        while read(readEnd, &bytes, 16) == 16 {}
    }
}
