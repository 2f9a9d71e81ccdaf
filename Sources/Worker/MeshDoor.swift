import Logging
import Protocol
import Transport

/// The socket that the other workers of a run come to: with keys, the members of the generation alone get in. Owned by
/// the I/O thread.
final class MeshDoor {
    /// Peers' messages come in here.
    let socket: MessagingSocket
    /// Where peers reach this worker.
    let endpoint: Endpoint
    private let context: MessagingContext
    private let own: KeyPair?
    private let authenticator: Authenticator?
    private let watch: ConnectionWatch?
    private let refusals: RefusalLog
    private var place: Int?

    /// Members come as soon as they know of this worker, which may not know of them yet.
    private static let patience = Duration.seconds(4)

    /// Who is gone is for the coordinator to say. Probes would only cut a slow link on which a chunk takes its time.
    private static func configuration(_ pattern: SocketConfiguration.Pattern) -> SocketConfiguration {
        var configuration = SocketConfiguration(pattern)
        configuration.supervision = .holdingBack(2048)
        configuration.linger = .zero
        return configuration
    }

    /// - Parameter address: to listen at; its port may be chosen by the system.
    init(
        _ context: MessagingContext, at address: Endpoint, keys: WorkerKeys?, logger: Logger
    ) throws(TransportError) {
        self.context = context
        own = keys?.own
        let refusals = RefusalLog(logger)
        self.refusals = refusals
        var configuration = MeshDoor.configuration(.router)
        let policy: Authenticator.Policy?
        if let keys {
            configuration.security = .server(keys.own)
            policy = .holders(of: [])
        } else if case .tcp = address.kind {
            configuration.security = .open
            policy = .anyone
        } else {
            policy = nil
        }
        if let policy {
            authenticator = try Authenticator(context, policy: policy, manner: .patient(MeshDoor.patience)) {
                refusal in
                let key = refusal.key?.description
                refusals.record(
                    "\(key.map { "the key \($0)" } ?? "a connection") at \(refusal.address)",
                    as: key ?? refusal.address, "it is no member of this run")
            }
        } else {
            authenticator = nil
        }
        socket = try MessagingSocket(context, configuration)
        // A generation may end before a member has sent anything in it.
        watch =
            authenticator == nil
            ? nil : try ConnectionWatch(context, of: socket, silence: true, refusals: refusals)
        endpoint = try socket.bind(address)
    }

    /// Has a poller wait for what happens here beside messages.
    func add(to poller: inout Poller) { place = watch.map { poller.add($0.socket) } }

    /// To be called after waiting, and after the messages that had come were taken.
    func afterWait(_ poller: Poller) throws(TransportError) {
        if let place, poller.isReady(place) { try watch?.drain() }
    }

    /// Lets in the members of a generation and nobody else.
    func admit(_ members: [Membership.Member]) {
        if own != nil { authenticator?.set(.holders(of: Set(members.compactMap(\.publicKey)))) }
    }

    /// A new socket to a member, which nobody but the holder of its key can read.
    func connect(to member: Membership.Member) throws(TransportError) -> MessagingSocket {
        var configuration = MeshDoor.configuration(.dealer)
        if let own {
            guard let key = member.publicKey else { throw .insecure(member.meshEndpoint) }
            configuration.security = .client(own, server: key)
        }
        let socket = try MessagingSocket(context, configuration)
        try socket.connect(Endpoint(member.meshEndpoint))
        return socket
    }

    /// A message that has come; nil for what is none of ours, which is logged.
    func read(_ message: ReceivedMessage, in membership: Membership?) -> MeshEnvelope? {
        let envelope: MeshEnvelope
        do throws(ProtocolError) {
            if let excess = message.excess { throw excess }
            envelope = try MeshCodec.decode(Array(message.frames.dropFirst()))
        } catch {
            record(message.peer, error.description)
            return nil
        }
        watch?.heard(message.peer)
        // Whoever was a member before keeps its connection, and speaks for itself alone.
        if own != nil, let membership, envelope.generation == membership.generation,
            membership.members.indices.contains(envelope.sender),
            membership.members[envelope.sender].publicKey != message.peer.key
        {
            record(message.peer, "its key is not that of rank \(envelope.sender), which it says it is")
            return nil
        }
        return envelope
    }

    private func record(_ peer: MessagePeer, _ reason: String) {
        let address = watch?.address(of: peer) ?? PeerAddress.here
        refusals.record("a message from \(address)", as: peer.key?.description ?? address.host, reason)
    }
}
