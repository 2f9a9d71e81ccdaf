import CZeroMQ

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What happens to the connections of one socket before any message comes. Owned by the thread that owns the socket.
public final class SocketMonitor {
    /// Something that happened.
    public enum Event: Sendable, Equatable {
        /// Somebody connected; the number is its file descriptor.
        case accepted(connection: Int32)
        /// A connection is ready for messages.
        case succeeded
        /// The two sides could not agree.
        case failed(HandshakeFailure)
        /// A connection is gone.
        case disconnected(connection: Int32)
    }

    /// Messages come in here; for `Poller.add`.
    public let socket: MessagingSocket

    private static let events =
        ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED
        | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
        | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL

    /// - Throws: `TransportError.system`.
    public init(_ context: MessagingContext, of watched: MessagingSocket) throws(TransportError) {
        let endpoint = "inproc://monitor-\(UInt(bitPattern: watched.pointer))"
        guard zmq_socket_monitor(watched.pointer, endpoint, SocketMonitor.events) == 0 else {
            throw .last("zmq_socket_monitor")
        }
        socket = try MessagingSocket(context, SocketConfiguration(.pair))
        try socket.connect(inside: endpoint)
    }

    /// The next event; never waits.
    public func receive() throws(TransportError) -> Event? {
        while let message = try socket.receive() {
            guard let header = message.frames.first, header.count == 6 else { continue }
            let (kind, value) = header.withUnsafeBytes {
                ($0.loadUnaligned(as: UInt16.self), $0.loadUnaligned(fromByteOffset: 2, as: UInt32.self))
            }
            switch Int32(kind) {
            case ZMQ_EVENT_ACCEPTED: return .accepted(connection: Int32(bitPattern: value))
            case ZMQ_EVENT_DISCONNECTED: return .disconnected(connection: Int32(bitPattern: value))
            case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: return .succeeded
            case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: return .failed(.refused)
            case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: return .failed(HandshakeFailure(code: Int32(bitPattern: value)))
            case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: return .failed(.brokenOff)
            default: continue
            }
        }
        return nil
    }
}

/// Why two sides did not come together.
public enum HandshakeFailure: Sendable, Equatable, CustomStringConvertible {
    /// One side's key is not allowed.
    case refused
    /// One side has keys and the other has none.
    case otherSecurity
    /// What came is encrypted for another key, or altered.
    case wrongKey
    /// What came is not ZeroMQ's handshake.
    case malformed
    /// The other side closed the connection, or was silent, before the end of the handshake.
    case brokenOff

    init(code: Int32) {
        switch code {
        case ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH: self = .otherSecurity
        case ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC, ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE: self = .wrongKey
        default: self = .malformed
        }
    }

    /// As the end of a sentence about a peer.
    public var description: String {
        switch self {
        case .refused: "its key is not allowed"
        case .otherSecurity: "one side has keys and the other has none"
        case .wrongKey: "it does not know the key of this side"
        case .malformed: "it does not speak the protocol"
        case .brokenOff: "it broke off, or was silent, before it had shown a key"
        }
    }
}
