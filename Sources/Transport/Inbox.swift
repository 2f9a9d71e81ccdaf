import Collections
import Protocol

/// Messages that came by a socket and wait to be handled, at most so many of a sender: what comes faster than it is
/// handled is thrown away, so that nobody takes the reader's memory, or keeps it from the others.
///
/// A socket that probes its connections holds nobody back (see `SocketConfiguration.Supervision`), so that what has come
/// has to be read at once, handled or not.
public struct Inbox {
    /// What may wait.
    public struct Limits: Sendable {
        /// Messages of one sender.
        public var messages = 2048
        /// Bytes of one sender.
        public var bytes = 16 << 20
        /// Bytes of all senders.
        public var total = 256 << 20
        /// Messages that are read at a time.
        public var turn = 16_384

        /// The defaults.
        public init() {}
    }

    /// Whose messages are counted together: those with one key or, where there are none, those of one connection.
    private enum Sender: Hashable {
        case key(PublicKey)
        case route([UInt8])

        init(_ message: ReceivedMessage) {
            self = message.peer.key.map { .key($0) } ?? .route(message.frames.first ?? [])
        }
    }

    private let limits: Limits
    private var waiting: Deque<(message: ReceivedMessage, bytes: Int)> = []
    private var shares: [Sender: (messages: Int, bytes: Int)] = [:]
    private var total = 0

    /// Empty.
    public init(_ limits: Limits = Limits()) { self.limits = limits }

    /// Messages that wait.
    public var count: Int { waiting.count }
    /// Whether none waits.
    public var isEmpty: Bool { waiting.isEmpty }

    /// Reads what has come.
    ///
    /// - Parameter refuse: called with each message that is thrown away.
    public mutating func read(
        _ socket: MessagingSocket, refuse: (ReceivedMessage) -> Void
    ) throws(TransportError) {
        for _ in 0..<limits.turn {
            guard let message = try socket.receive() else { return }
            if !keep(message) { refuse(message) }
        }
    }

    private mutating func keep(_ message: ReceivedMessage) -> Bool {
        let bytes = message.frames.reduce(0) { $0 + $1.count }
        let sender = Sender(message)
        let share = shares[sender] ?? (0, 0)
        guard share.messages < limits.messages, share.bytes + bytes <= limits.bytes, total + bytes <= limits.total
        else { return false }
        shares[sender] = (share.messages + 1, share.bytes + bytes)
        total += bytes
        waiting.append((message, bytes))
        return true
    }

    /// The message that has waited longest.
    public mutating func next() -> ReceivedMessage? {
        guard let (message, bytes) = waiting.popFirst() else { return nil }
        let sender = Sender(message)
        if let share = shares[sender] {
            shares[sender] = share.messages == 1 ? nil : (share.messages - 1, share.bytes - bytes)
        }
        total -= bytes
        return message
    }
}
