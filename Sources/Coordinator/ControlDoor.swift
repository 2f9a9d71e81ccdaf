import Logging
import Protocol
import Transport

/// The socket that workers come to, and who gets in: nobody without a key of the list, and every key for one worker at a
/// time. Owned by the coordinator's thread.
final class ControlDoor {
    /// What is to be done with a message.
    enum Admission {
        /// Take it. `intruder` is a worker that has claimed the sender's identity and is to be told off.
        case enter(ControlEnvelope, route: [UInt8], intruder: Intruder?)
        /// Nothing.
        case stay
        /// Answer with a refusal.
        case refuse(worker: UInt64, route: [UInt8], reason: String)
    }

    /// A worker that was kept waiting.
    struct Intruder {
        var worker: UInt64
        var route: [UInt8]
        var reason: String
    }

    let socket: MessagingSocket
    private let context: MessagingContext
    private var run: UInt64
    /// Of runs before this one, which workers may still speak of.
    private var formerRuns: Set<UInt64> = []
    private let logger: Logger
    private let refusals: RefusalLog
    private let own: KeyPair?
    private let authenticator: Authenticator?
    private let watch: ConnectionWatch?
    private let hangup: HangupSignal?
    private var allowed: AllowList?
    private var identities = IdentityLedger()
    /// Where workers wait whose key is in use: the last one of each key.
    private var waiting: [PublicKey: (worker: UInt64, route: [UInt8])] = [:]
    private var places: (watch: Int?, hangup: Int?) = (nil, nil)

    init(_ options: CoordinatorOptions, run: UInt64, logger: Logger) throws(TransportError) {
        self.run = run
        self.logger = logger
        let endpoint = try Endpoint(options.endpoint)
        try endpoint.require(keys: options.keys != nil, insecure: options.insecure)
        let refusals = RefusalLog(logger)
        self.refusals = refusals
        context = try MessagingContext()
        own = options.keys?.own
        allowed = options.keys?.allowed
        var configuration = SocketConfiguration(.router)
        if let keys = options.keys {
            configuration.security = .server(keys.own)
            let list = keys.allowed.path
            authenticator = try Authenticator(
                context, policy: .holders(of: Set(keys.allowed.names.keys)), manner: .final
            ) { refusal in
                let peer = refusal.key.map { "the key \($0) at \(refusal.address)" }
                refusals.record(
                    peer ?? "a connection from \(refusal.address)", as: refusal.key?.description ?? refusal.address,
                    peer == nil ? "it has no key" : "\(list) does not list it")
            }
        } else if case .tcp = endpoint.kind {
            configuration.security = .open
            authenticator = try Authenticator(context, policy: .anyone, manner: .final) { refusal in
                refusals.record(
                    "a connection from \(refusal.address)", as: refusal.address,
                    "it has a key and this run goes without")
            }
        } else {
            authenticator = nil
        }
        hangup = options.keys != nil && options.handlesSignals ? try HangupSignal() : nil
        socket = try MessagingSocket(context, configuration)
        watch =
            authenticator == nil
            ? nil : try ConnectionWatch(context, of: socket, silence: false, refusals: refusals)
        try socket.bind(endpoint)
    }

    /// Peers and messages that were refused.
    var refused: Int { refusals.count }

    /// Another run begins with the same workers.
    func begin(_ run: UInt64) {
        formerRuns.insert(self.run)
        self.run = run
    }

    /// Has a poller wait for what happens here beside messages.
    func add(to poller: inout Poller) {
        places.watch = watch.map { poller.add($0.socket) }
        places.hangup = hangup.map { poller.add(descriptor: $0.descriptor) }
    }

    /// To be called after waiting, and after the messages that had come were taken.
    ///
    /// - Returns: workers whose keys are not on the list any more, with the reason.
    func afterWait(_ poller: Poller) throws(TransportError) -> [(worker: UInt64, reason: String)] {
        if let place = places.watch, poller.isReady(place) { try watch?.drain() }
        guard let place = places.hangup, poller.isReady(place), let hangup, let list = allowed else { return [] }
        hangup.clear()
        let fresh: AllowList
        do throws(KeyError) {
            fresh = try AllowList(reading: list.path)
        } catch {
            logger.error("the list of keys stays as it was: \(error)")
            return []
        }
        allowed = fresh
        authenticator?.set(.holders(of: Set(fresh.names.keys)))
        logger.notice("\(fresh.path) was read again and lists \(fresh.names.count) keys")
        return list.names.keys.filter { fresh.names[$0] == nil }.flatMap { key in
            identities.workers(with: key).map { ($0, "\(fresh.path) does not list its key any more") }
        }
    }

    /// Judges a message that has come.
    ///
    /// - Parameter isKnown: whether a worker is one of the run's.
    func judge(_ message: ReceivedMessage, isKnown: (UInt64) -> Bool) -> Admission {
        guard let route = message.frames.first else { return .stay }
        var envelope: ControlEnvelope
        do throws(ProtocolError) {
            if let excess = message.excess { throw excess }
            envelope = try ControlCodec.decode(Array(message.frames.dropFirst()))
        } catch {
            record(message.peer, error.description)
            if case .version = error { return .refuse(worker: 0, route: route, reason: error.description) }
            return .stay
        }
        watch?.heard(message.peer)
        if case .hello(var hello) = envelope.message {
            hello.publicKey = message.peer.key
            if let key = message.peer.key, let name = allowed?.names[key] { hello.name = name }
            envelope.message = .hello(hello)
        } else if envelope.run != run, !formerRuns.contains(envelope.run) {
            // The state machine takes nothing from it; a worker of a run before may be told to join this one.
            record(
                message.peer, "it speaks of run \(hexadecimal(envelope.run)) and this is run \(hexadecimal(run))")
        }
        guard allowed != nil else { return .enter(envelope, route: route, intruder: nil) }
        return judge(envelope, message.peer, route, isKnown)
    }

    private func judge(
        _ envelope: ControlEnvelope, _ peer: MessagePeer, _ route: [UInt8], _ isKnown: (UInt64) -> Bool
    ) -> Admission {
        let worker = envelope.worker
        guard let key = peer.key, let name = allowed?.names[key] else {
            let reason = "\(allowed?.path ?? "the list") does not list its key"
            record(peer, reason)
            return .refuse(worker: worker, route: route, reason: reason)
        }
        switch identities.judge(worker, key: key, isKnown: isKnown) {
        case .genuine(let intruder):
            guard let place = waiting.removeValue(forKey: key), place.worker == intruder else {
                return .enter(envelope, route: route, intruder: nil)
            }
            let reason = "the key of \(name) is in use by another worker; every worker needs a key of its own"
            refusals.record("a second worker with the key of \(name)", as: "second \(key)", reason)
            return .enter(
                envelope, route: route,
                intruder: Intruder(worker: place.worker, route: place.route, reason: reason))
        case .waiting:
            if case .hello = envelope.message { waiting[key] = (worker, route) }
            return .stay
        case .impersonation(let other):
            let reason = "\(name) speaks in the name of \(allowed?.names[other] ?? "\(other)")"
            refusals.record("a message of \(name)", as: key.description, reason)
            return .stay
        }
    }

    /// A message was thrown away, since its sender sends faster than it is handled.
    func refuseFlood(_ message: ReceivedMessage) {
        record(message.peer, "it sends faster than the coordinator can handle")
    }

    /// A worker that may not join for what it says of itself: the line to show, when one is due.
    func refusalLine(_ name: String, _ reason: String) -> String? {
        refusals.line("worker \(name)", as: "worker \(name)", reason)
    }

    /// A worker is not one of the run's.
    func forget(_ worker: UInt64) { identities.forget(worker) }

    private func record(_ peer: MessagePeer, _ reason: String) {
        let address = watch?.address(of: peer) ?? PeerAddress.here
        let name = peer.key.flatMap { allowed?.names[$0] }
        refusals.record(
            "a message from \(name.map { "\($0) at " } ?? "")\(address)", as: name ?? address.host, reason)
    }

    private func hexadecimal(_ number: UInt64) -> String { String(number, radix: 16) }
}
