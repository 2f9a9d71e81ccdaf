import Foundation

/// What moving bytes on this machine costs one core.
enum LoopbackCopy {
    private static let block = 64 * 1024

    /// Bytes that go into a socket of this machine and out of it again, a second of one core. The best of several runs.
    static func bytesPerSecond() throws(Failure) -> Double {
        var ends: [Int32] = [0, 0]
        #if os(Linux)
            let made = socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends)
        #else
            let made = socketpair(AF_UNIX, SOCK_STREAM, 0, &ends)
        #endif
        guard made == 0 else { throw Failure(.system, "socketpair: \(String(cString: strerror(errno)))") }
        defer { for end in ends { close(end) } }
        for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        let source = [UInt8](repeating: 1, count: block)
        var target = [UInt8](repeating: 0, count: block)
        return try best(blocks: 512) { () throws(Failure) in
            var written = 0
            var received = 0
            while received < block {
                let sent = source.withUnsafeBytes {
                    write(ends[0], $0.baseAddress.map { $0 + written }, block - written)
                }
                written += max(sent, 0)
                let count = read(ends[1], &target, block - received)
                guard count > 0 else { throw Failure(.system, "a socket of this machine gives nothing") }
                received += count
            }
        }
    }

    /// Bytes copied from one buffer of 64 MiB to another, a second.
    static func memcpyBytesPerSecond() -> Double {
        let size = 64 << 20
        let source = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
        let target = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
        defer {
            source.deallocate()
            target.deallocate()
        }
        memset(source, 1, size)
        memset(target, 0, size)
        let clock = ContinuousClock()
        let seconds = (0..<5).map { _ in clock.measure { memcpy(target, source, size) } / .seconds(1) }
        return Double(size) / (seconds.min() ?? 1)
    }

    private static func best(blocks: Int, _ copy: () throws(Failure) -> Void) throws(Failure) -> Double {
        let clock = ContinuousClock()
        var best = 0.0
        for _ in 0..<8 {
            let start = clock.now
            for _ in 0..<blocks { try copy() }
            best = max(best, Double(blocks * block) / ((clock.now - start) / .seconds(1)))
        }
        return best
    }
}
