import Protocol

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Notices connections to a server socket from which no message ever comes, such as those of other programs, and has
/// them logged. Owned by the thread that owns the socket.
public final class ConnectionWatch {
    private let monitor: SocketMonitor
    private let refusals: RefusalLog
    private var ledger: ConnectionLedger

    /// - Parameter silence: whether a peer that has been let in may go again without a message.
    /// - Throws: `TransportError.system`.
    public init(
        _ context: MessagingContext, of socket: MessagingSocket, silence: Bool, refusals: RefusalLog
    ) throws(TransportError) {
        monitor = try SocketMonitor(context, of: socket)
        ledger = ConnectionLedger(mayBeSilent: silence)
        self.refusals = refusals
    }

    /// For `Poller.add`.
    public var socket: MessagingSocket { monitor.socket }

    /// To be called with the sender of each message.
    public func heard(_ peer: MessagePeer) { ledger.spoke(peer.connection) }

    /// Where a message came from, with the port where there is one.
    public func address(of peer: MessagePeer) -> PeerAddress { ledger.address(of: peer.connection) }

    /// Takes what has happened. To be called after the messages that have come were taken.
    public func drain() throws(TransportError) {
        ledger.beginNews()
        while let event = try monitor.receive() {
            switch event {
            case .accepted(let connection):
                ledger.accepted(connection, address: Endpoint.remoteAddress(of: connection))
            case .succeeded: ledger.succeeded()
            case .failed(let failure): ledger.failed(failure)
            case .disconnected(let connection):
                if let (address, reason) = ledger.disconnected(connection) {
                    refusals.record("a connection from \(address)", as: address.host, reason)
                }
            }
        }
    }
}

/// Where a connection comes from.
public struct PeerAddress: Sendable, Equatable, CustomStringConvertible {
    /// In numbers, or in words where there are none.
    public var host: String
    /// Nil for what has none.
    public var port: String?

    /// Connections over socket files.
    public static let here = PeerAddress(host: "this machine", port: nil)
    /// The system does not tell where somebody was who is gone.
    static let unknown = PeerAddress(host: "somebody gone at once", port: nil)

    /// Host and port.
    public var description: String { port.map { "\(host):\($0)" } ?? host }
}

/// The connections of a server socket, as a pure value.
struct ConnectionLedger {
    private struct Connection {
        var address: PeerAddress
        var hasSpoken = false
    }

    private let mayBeSilent: Bool
    private var connections: [Int32: Connection] = [:]
    /// Accepted since `beginNews`.
    private var fresh: Set<Int32> = []
    /// Handshakes that succeeded, without those of connections that spoke or went. The library does not tell which
    /// connections they were.
    private var silent = 0
    /// The library tells why a handshake failed just before it tells which connection is gone, and not together.
    private var failure: HandshakeFailure?

    init(mayBeSilent: Bool) { self.mayBeSilent = mayBeSilent }

    /// What follows is told at one time. A connection that comes and goes in it may have been gone when its address was
    /// asked for, and its descriptor another's: such an address is not to be believed.
    mutating func beginNews() { fresh.removeAll(keepingCapacity: true) }

    mutating func succeeded() { silent += 1 }

    mutating func accepted(_ connection: Int32, address: PeerAddress) {
        fresh.insert(connection)
        connections[connection] = Connection(address: address)
    }

    mutating func spoke(_ connection: Int32) {
        guard connections[connection]?.hasSpoken == false else { return }
        connections[connection]?.hasSpoken = true
        silent = max(silent - 1, 0)
    }

    mutating func failed(_ failure: HandshakeFailure) { self.failure = failure }

    func address(of connection: Int32) -> PeerAddress { connections[connection]?.address ?? .unknown }

    /// - Returns: what is to be logged of a connection that said nothing; nil also where a key was refused, which the
    ///   authenticator knows more about.
    mutating func disconnected(_ connection: Int32) -> (address: PeerAddress, reason: String)? {
        let failure = self.failure
        self.failure = nil
        guard let gone = connections.removeValue(forKey: connection), !gone.hasSpoken, failure != .refused else {
            return nil
        }
        if mayBeSilent, failure == nil, silent > 0 {
            silent -= 1
            return nil
        }
        let reason =
            failure?.description
            ?? "what it sent is no message of this protocol, or a frame of more than \(WireLimits.frame) bytes"
        return (fresh.contains(connection) ? .unknown : gone.address, reason)
    }
}
