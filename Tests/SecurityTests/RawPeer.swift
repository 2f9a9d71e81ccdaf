import TestSupport

/// ZeroMQ's wire protocol (RFC 23) by hand, for what the library would never send.
struct RawPeer {
    let connection: RawConnection

    /// - Parameter host: the last byte of the loopback address it comes from.
    init(port: UInt16, host: UInt8) throws {
        connection = try RawConnection(port: port, from: host)
    }

    /// The greeting of a peer with a security mechanism.
    static func greeting(_ mechanism: String) -> [UInt8] {
        var bytes: [UInt8] = [0xff] + [UInt8](repeating: 0, count: 8) + [0x7f, 3, 0]
        bytes += Array(mechanism.utf8) + [UInt8](repeating: 0, count: 20 - mechanism.utf8.count)
        return bytes + [UInt8](repeating: 0, count: 32)
    }

    /// Joins without keys, as a dealer; whether the other side agrees.
    @discardableResult
    func join() -> Bool {
        var ready: [UInt8] = [5] + Array("READY".utf8) + [11] + Array("Socket-Type".utf8) + [0, 0, 0, 6]
        ready += Array("DEALER".utf8)
        connection.send(RawPeer.greeting("NULL") + [4, UInt8(ready.count)] + ready)
        // What comes earlier would count as part of the handshake.
        var answer: [UInt8] = []
        for _ in 0..<200 where answer.count <= 64 + 8 {
            let (bytes, isClosed) = connection.receive(within: .milliseconds(50))
            answer += bytes
            if isClosed { return false }
        }
        return answer.count > 64 + 8
    }

    func send(_ frames: [[UInt8]]) {
        for (index, frame) in frames.enumerated() {
            let more: UInt8 = index + 1 < frames.count ? 1 : 0
            connection.send(RawPeer.header(more, frame.count) + frame)
        }
    }

    /// The beginning of a frame that claims so many bytes.
    static func header(_ flags: UInt8, _ size: Int) -> [UInt8] {
        if size < 256 { return [flags, UInt8(size)] }
        return [flags | 2] + stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: size >> $0) }
    }
}
