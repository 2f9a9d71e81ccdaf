#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A TCP connection to this machine that sends whatever a test wants.
public final class RawConnection {
    private let descriptor: Int32

    /// Why there is no connection.
    public struct Failure: Error {
        public var code: Int32
    }

    /// - Parameter host: connects from 127.0.0.host.
    public init(port: UInt16, from host: UInt8 = 1) throws {
        #if canImport(Glibc)
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
            descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        guard descriptor >= 0 else { throw Failure(code: errno) }
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        func with<Result>(_ host: UInt8, _ port: UInt16, _ body: (UnsafePointer<sockaddr>) -> Result) -> Result {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = (UInt32(0x7f00_0000) | UInt32(host)).bigEndian
            return withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0) }
            }
        }
        let descriptor = descriptor
        guard with(host, 0, { bind(descriptor, $0, size) }) == 0, with(1, port, { connect(descriptor, $0, size) }) == 0
        else {
            let code = errno
            close(descriptor)
            throw Failure(code: code)
        }
    }

    deinit { close(descriptor) }

    /// Sends as much as the other side takes; whether it took everything.
    @discardableResult
    public func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { buffer in
                #if canImport(Glibc)
                    Glibc.send(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
                #else
                    Darwin.send(descriptor, buffer.baseAddress, buffer.count, 0)
                #endif
            }
            if count <= 0 { return false }
            sent += count
        }
        return true
    }

    /// What comes within a time, until the other side closes.
    public func receive(within limit: Duration) -> (bytes: [UInt8], isClosed: Bool) {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&item, 1, 50) > 0 else { continue }
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count <= 0 { return (bytes, true) }
            bytes += buffer[..<count]
        }
        return (bytes, false)
    }

    /// Whether the other side closes the connection in time.
    public func isClosed(within limit: Duration) -> Bool { receive(within: limit).isClosed }
}
