import CZeroMQ
import Protocol
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Who may be at the other end of a socket, and who may read what travels.
public enum SocketSecurity: Sendable {
    /// No keys, and nobody asks who connects: inside a process, over socket files in a private folder, and for clients
    /// without keys.
    case none
    /// A server without keys. The context's `Authenticator` must allow anyone.
    case open
    /// A server with a key (CURVE). The context's `Authenticator` decides who comes in.
    case server(KeyPair)
    /// A client with a key (CURVE), that talks to nobody but the holder of the server's.
    case client(KeyPair, server: PublicKey)
}

/// How a socket is to be made. The one place where options and keys are set.
public struct SocketConfiguration: Sendable {
    /// The pattern, in the messaging library's words.
    public enum Pattern: Sendable {
        /// Many peers, each with a routing id, the first frame of every message.
        case router
        /// One peer.
        case dealer
        /// One peer within a process.
        case pair

        fileprivate var number: Int32 {
            switch self {
            case .router: ZMQ_ROUTER
            case .dealer: ZMQ_DEALER
            case .pair: ZMQ_PAIR
            }
        }
    }

    /// What becomes of peers that are gone or too fast: one or the other, since libzmq 4.3 fails an assertion when it
    /// probes a connection that has ended and whose messages it holds back (its issues 3937 and 4364).
    public enum Supervision: Sendable {
        /// A connection that answers no probe is cut: see `probeInterval` and `probeTimeout`. Any number of messages may
        /// wait to be received; where peers are not trusted, an `Inbox` limits them.
        case probing
        /// Connections are not probed, and only so many messages of a peer may wait to be received; more stay with it.
        case holdingBack(Int32)
    }

    /// How often an idle connection is probed.
    public static let probeInterval = Duration.milliseconds(200)
    /// How long a probe may stay unanswered before the connection is cut.
    public static let probeTimeout = Duration.milliseconds(600)

    /// The pattern.
    public var pattern: Pattern
    /// Who may be at the other end.
    public var security = SocketSecurity.none
    /// Frames that a message may have.
    public var largestParts = WireLimits.parts
    /// Messages that may wait to be sent to one peer; more are not taken.
    public var sendLimit: Int32 = 2048
    /// What becomes of peers that are gone or too fast.
    public var supervision = Supervision.probing
    /// Take messages only while there is a connection, rather than keep them until there is one.
    public var onlyConnected = false
    /// How long closing may wait for messages to leave.
    public var linger: Duration = .milliseconds(500)

    /// The defaults.
    public init(_ pattern: Pattern) {
        self.pattern = pattern
    }
}

/// Who sent a message, by its connection; a message cannot claim it.
public struct MessagePeer: Sendable, Equatable {
    /// The key that the peer proved to have; nil where there are no keys.
    public var key: PublicKey?
    /// The connection's file descriptor; -1 where nobody asks who connects.
    public var connection: Int32
}

/// A message that has come.
public struct ReceivedMessage: Sendable {
    /// On a router the first one is the peer's routing id.
    public var frames: [[UInt8]]
    /// Who sent it.
    public var peer: MessagePeer
    /// More than a peer may send: all frames but the first one were thrown away.
    public var excess: ProtocolError?
}

/// What became of a message.
public enum SendResult: Sendable, Equatable {
    /// The library has it.
    case sent
    /// The peer takes nothing at the moment and its queue is full.
    case full
    /// There is no such peer.
    case unroutable
}

/// One socket. Made, used and closed by one thread.
public final class MessagingSocket {
    let pointer: UnsafeMutableRawPointer
    private let context: MessagingContext
    private let largestParts: Int
    private let isServer: Bool
    private static let mask = Mutex(())
    /// The path of the socket file this socket made.
    private var boundPath: String?

    /// - Throws: `TransportError.system`.
    public init(_ context: MessagingContext, _ configuration: SocketConfiguration) throws(TransportError) {
        guard let pointer = zmq_socket(context.pointer, configuration.pattern.number) else {
            throw .last("zmq_socket")
        }
        self.pointer = pointer
        self.context = context
        largestParts = configuration.largestParts
        switch configuration.security {
        case .server, .open: isServer = true
        case .client, .none: isServer = false
        }
        try secure(configuration.security)
        try set(ZMQ_LINGER, configuration.linger.wholeMilliseconds)
        try set(ZMQ_SNDHWM, configuration.sendLimit)
        try supervise(configuration.supervision)
        try set(ZMQ_IMMEDIATE, configuration.onlyConnected ? 1 : 0)
        try set(ZMQ_IPV6, 1)
        // All workers of a run come at once; who finds the queue full tries again later.
        try set(ZMQ_BACKLOG, 1024)
        try set(ZMQ_HANDSHAKE_IVL, 5000)
        try set(ZMQ_RECONNECT_IVL, 100)
        try set(ZMQ_RECONNECT_IVL_MAX, 2000)
        if configuration.pattern == .router {
            try set(ZMQ_ROUTER_MANDATORY, 1)
            try set(ZMQ_ROUTER_HANDOVER, 0)
        }
        // Of what travels: encryption adds a little to a frame. The connection of whoever sends more is cut before
        // memory is taken for it.
        var largest = Int64(WireLimits.frame + MessagingSocket.encryptionOverhead)
        if zmq_setsockopt(pointer, ZMQ_MAXMSGSIZE, &largest, MemoryLayout<Int64>.size) != 0 {
            throw .last("zmq_setsockopt")
        }
    }

    /// Bytes that CURVE adds to a frame (ZeroMQ RFC 26): a name, a nonce, a seal and flags.
    private static let encryptionOverhead = 33

    private func supervise(_ supervision: SocketConfiguration.Supervision) throws(TransportError) {
        switch supervision {
        case .holdingBack(let messages): try set(ZMQ_RCVHWM, messages)
        case .probing:
            try set(ZMQ_RCVHWM, 0)
            try set(ZMQ_HEARTBEAT_IVL, SocketConfiguration.probeInterval.wholeMilliseconds)
            try set(ZMQ_HEARTBEAT_TIMEOUT, SocketConfiguration.probeTimeout.wholeMilliseconds)
            try set(ZMQ_HEARTBEAT_TTL, SocketConfiguration.probeTimeout.wholeMilliseconds)
        }
    }

    private func secure(_ security: SocketSecurity) throws(TransportError) {
        switch security {
        case .none: return
        case .open: try Authenticator.guardOptions(self)
        case .server(let pair):
            try KeyPair.requireEncryption()
            try Authenticator.guardOptions(self)
            try set(ZMQ_CURVE_SERVER, 1)
            try set(ZMQ_CURVE_SECRETKEY, pair.secret)
        case .client(let pair, let server):
            try KeyPair.requireEncryption()
            try set(ZMQ_CURVE_SERVERKEY, server.bytes)
            try set(ZMQ_CURVE_PUBLICKEY, pair.publicKey.bytes)
            try set(ZMQ_CURVE_SECRETKEY, pair.secret)
        }
    }

    deinit {
        zmq_close(pointer)
        if let boundPath { unlink(boundPath) }
    }

    func set(_ option: Int32, _ value: Int32) throws(TransportError) {
        var value = value
        if zmq_setsockopt(pointer, option, &value, MemoryLayout<Int32>.size) != 0 { throw .last("zmq_setsockopt") }
    }

    func set(_ option: Int32, _ bytes: [UInt8]) throws(TransportError) {
        if zmq_setsockopt(pointer, option, bytes, bytes.count) != 0 { throw .last("zmq_setsockopt") }
    }

    /// Listens within the process.
    func bind(inside endpoint: String) throws(TransportError) {
        if zmq_bind(pointer, endpoint) != 0 { throw .last("bind \(endpoint)") }
    }

    /// Connects within the process.
    func connect(inside endpoint: String) throws(TransportError) {
        if zmq_connect(pointer, endpoint) != 0 { throw .last("connect \(endpoint)") }
    }

    /// Listens.
    /// - Returns: the endpoint with the port that was chosen.
    /// - Throws: `TransportError.addressInUse`, `.addressNotAvailable`, `.cannotResolve`, `.malformedEndpoint`.
    @discardableResult
    public func bind(_ endpoint: Endpoint) throws(TransportError) -> Endpoint {
        if case .ipc(let path) = endpoint.kind {
            if Endpoint.isListening(path: path) { throw .addressInUse(endpoint.description) }
            // For its owner only, whatever the folder's mode. The mask is the process's: one thread at a time changes it.
            let outcome = MessagingSocket.mask.withLock { _ in
                let mask = umask(0o177)
                defer { umask(mask) }
                return Result { () throws(TransportError) in try bindPlainly(endpoint) }
            }
            try outcome.get()
            boundPath = path
            return endpoint
        }
        try bindPlainly(endpoint)
        var text = [CChar](repeating: 0, count: 1024)
        var length = text.count
        guard zmq_getsockopt(pointer, ZMQ_LAST_ENDPOINT, &text, &length) == 0 else { throw .last("zmq_getsockopt") }
        return try Endpoint(String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }

    private func bindPlainly(_ endpoint: Endpoint) throws(TransportError) {
        if zmq_bind(pointer, endpoint.description) != 0 { throw .last("bind", endpoint: endpoint.description) }
    }

    /// Connects, now or as soon as somebody listens there.
    public func connect(_ endpoint: Endpoint) throws(TransportError) {
        if zmq_connect(pointer, endpoint.description) != 0 { throw .last("connect", endpoint: endpoint.description) }
    }

    /// Hands a message over; never waits. On a router the first frame is the peer's routing id.
    public func send(_ frames: [[UInt8]]) throws(TransportError) -> SendResult {
        for (index, frame) in frames.enumerated() {
            let more = index + 1 < frames.count ? ZMQ_SNDMORE : 0
            let sent = frame.withUnsafeBytes { zmq_send(pointer, $0.baseAddress, $0.count, ZMQ_DONTWAIT | more) }
            if sent >= 0 { continue }
            switch zmq_errno() {
            case EAGAIN where index == 0: return .full
            case EHOSTUNREACH where index == 0: return .unroutable
            default: throw .last("zmq_send")
            }
        }
        return .sent
    }

    /// The next message that has come; never waits.
    public func receive() throws(TransportError) -> ReceivedMessage? {
        var frames: [[UInt8]] = []
        var parts = 0
        var total = 0
        var peer = MessagePeer(key: nil, connection: -1)
        var more = true
        while more {
            var message = zmq_msg_t()
            zmq_msg_init(&message)
            defer { zmq_msg_close(&message) }
            if zmq_msg_recv(&message, pointer, ZMQ_DONTWAIT) < 0 {
                if zmq_errno() == EINTR { continue }
                if zmq_errno() == EAGAIN { return nil }
                throw .last("zmq_msg_recv")
            }
            more = zmq_msg_more(&message) != 0
            let size = zmq_msg_size(&message)
            parts += 1
            total += size
            if parts == 1 || (parts <= largestParts && total <= WireLimits.message) {
                frames.append([UInt8](UnsafeRawBufferPointer(start: zmq_msg_data(&message), count: size)))
            }
            if !more, isServer { peer = sender(of: &message) }
        }
        if parts > largestParts {
            let excess = ProtocolError.oversized(what: "a number of frames", found: parts, limit: largestParts)
            return ReceivedMessage(frames: Array(frames.prefix(1)), peer: peer, excess: excess)
        }
        if total > WireLimits.message {
            let excess = ProtocolError.oversized(what: "a message", found: total, limit: WireLimits.message)
            return ReceivedMessage(frames: Array(frames.prefix(1)), peer: peer, excess: excess)
        }
        return ReceivedMessage(frames: frames, peer: peer, excess: nil)
    }

    private func sender(of message: inout zmq_msg_t) -> MessagePeer {
        let connection = zmq_msg_get(&message, ZMQ_SRCFD)
        let key = zmq_msg_gets(&message, "User-Id").flatMap { PublicKey(hexadecimal: String(cString: $0)) }
        return MessagePeer(key: key, connection: connection)
    }
}

extension Duration {
    /// Rounded up, and within what the messaging library takes.
    var wholeMilliseconds: Int32 {
        let (seconds, attoseconds) = components
        let milliseconds = Double(seconds) * 1000 + (Double(attoseconds) / 1e15).rounded(.up)
        return Int32(min(max(milliseconds, 0), Double(Int32.max / 2)))
    }
}
