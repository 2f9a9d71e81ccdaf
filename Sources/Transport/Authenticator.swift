import CZeroMQ
import Foundation
import Protocol
import Synchronization

/// Decides which connections to the server sockets of one `MessagingContext` are let in: it answers the messaging
/// library's ZAP requests (ZeroMQ RFC 27) on a thread of its own.
///
/// Server sockets are made so that nobody is let in while there is no such object, or none that answers. Safe to use
/// from any thread.
public final class Authenticator: Sendable {
    /// Who may come in.
    public enum Policy: Sendable, Equatable {
        /// Whoever reaches the port. The connection is not encrypted.
        case anyone
        /// The holders of these keys.
        case holders(of: Set<PublicKey>)
    }

    /// Somebody who was not let in.
    public struct Refusal: Sendable, Equatable {
        /// The key it proved to have; nil when it came without.
        public var key: PublicKey?
        /// Where it came from, without a port.
        public var address: String
    }

    /// What becomes of a peer that is not allowed.
    public enum Manner: Sendable, Equatable {
        /// It is told that it is not wanted, and does not try again.
        case final
        /// It is kept waiting for so long, and let in when it is allowed meanwhile; then it is closed out and tries
        /// again. For peers that may be earlier than the news of them. Less than the limit on handshakes, 5 s.
        case patient(Duration)
    }

    /// A request that is not answered yet.
    private struct Waiting {
        /// What leads back to the connection.
        var envelope: [[UInt8]]
        var request: [[UInt8]]
        var until: Duration
    }

    /// Peers that are kept waiting at a time; each takes a connection.
    private static let mostWaiting = 256

    private static let endpoint = "inproc://zeromq.zap.01"
    private static let domain = "ostr"

    private let policy: Mutex<Policy>
    /// True is the end; false, that there is something new.
    private let news: Mailbox<Bool>

    /// - Parameter onRefusal: called on the authenticator's thread.
    /// - Throws: `TransportError.system` when the context has one already or the process is out of file descriptors.
    public init(
        _ context: MessagingContext, policy: Policy, manner: Manner,
        onRefusal: @escaping @Sendable (Refusal) -> Void
    ) throws(TransportError) {
        var configuration = SocketConfiguration(.router)
        configuration.largestParts = 16
        let socket = try MessagingSocket(context, configuration)
        try socket.bind(inside: Authenticator.endpoint)
        self.policy = Mutex(policy)
        news = try Mailbox()
        let owned = Moved(socket)
        let thread = Thread { [news, weak self] in
            Authenticator.serve(owned.value, news: news, manner: manner, onRefusal: onRefusal) { self?.current }
        }
        thread.name = "authenticator"
        thread.start()
    }

    deinit { news.post(true) }

    /// Changes who may come in from now on. Connections that exist stay.
    public func set(_ policy: Policy) {
        self.policy.withLock { $0 = policy }
        news.post(false)
    }

    private var current: Policy { policy.withLock { $0 } }

    /// What a server socket needs so that this object decides, and nobody is let in without it.
    static func guardOptions(_ socket: MessagingSocket) throws(TransportError) {
        try socket.set(ZMQ_ZAP_DOMAIN, Array(domain.utf8))
        try socket.set(zapEnforceDomain, 1)
    }

    /// ZMQ_ZAP_ENFORCE_DOMAIN. The header keeps the name to itself; released libraries know the option.
    private static let zapEnforceDomain: Int32 = 93

    private static func serve(
        _ socket: MessagingSocket, news: Mailbox<Bool>, manner: Manner, onRefusal: (Refusal) -> Void,
        policy: () -> Policy?
    ) {
        var poller = Poller()
        let atSocket = poller.add(socket)
        let atNews = poller.add(descriptor: news.descriptor)
        var waiting: [Waiting] = []
        // Without this thread nobody is let in any more, which is what is wanted when it fails.
        do throws(TransportError) {
            while true {
                let next = waiting.map(\.until).min().map { max($0 - MonotonicClock.now, .zero) }
                try poller.wait(next ?? .seconds(3600))
                if poller.isReady(atNews), news.drain().contains(true) { return }
                if poller.isReady(atSocket) {
                    while let message = try socket.receive() {
                        guard message.excess == nil else { continue }
                        // The routing id and an empty frame lead back to the connection.
                        var entry = Waiting(
                            envelope: Array(message.frames.prefix(2)), request: Array(message.frames.dropFirst(2)),
                            until: MonotonicClock.now)
                        if case .patient(let patience) = manner, waiting.count < mostWaiting { entry.until += patience }
                        waiting.append(entry)
                    }
                }
                // An authenticator that is going away refuses nobody for good.
                guard let allowed = policy() else { return }
                let now = MonotonicClock.now
                var rest: [Waiting] = []
                for entry in waiting {
                    let (answer, refusal) = judge(entry.request, policy: allowed, manner: manner)
                    if refusal != nil, now < entry.until {
                        rest.append(entry)
                        continue
                    }
                    _ = try socket.send(entry.envelope + answer)
                    if let refusal { onRefusal(refusal) }
                }
                waiting = rest
            }
        } catch {}
    }

    /// Version, request id, domain, address, routing id, mechanism, credentials; the answer is version, request id,
    /// status, text, user id, metadata.
    static func judge(
        _ request: [[UInt8]], policy: Policy, manner: Manner
    ) -> (answer: [[UInt8]], refusal: Refusal?) {
        func text(_ place: Int) -> String {
            request.indices.contains(place) ? String(decoding: request[place], as: UTF8.self) : ""
        }
        func answer(_ status: String, _ reason: String, user: String = "") -> [[UInt8]] {
            [text(0), text(1), status, reason, user, ""].map { Array($0.utf8) }
        }
        let key = text(5) == "CURVE" && request.count == 7 ? PublicKey(request[6]) : nil
        if text(0) == "1.0", text(2) == domain {
            switch (policy, text(5)) {
            case (.anyone, "NULL"): return (answer("200", "OK"), nil)
            case (.holders(let keys), "CURVE"):
                if let key, keys.contains(key) { return (answer("200", "OK", user: "\(key)"), nil) }
            default: break
            }
        }
        let refusal = Refusal(key: key, address: Endpoint.plain(text(3)))
        switch manner {
        case .final: return (answer("400", "not allowed"), refusal)
        case .patient: return (answer("300", "not yet"), refusal)
        }
    }
}

/// Hands a value over to a thread that is started later.
private struct Moved<Value>: @unchecked Sendable {
    // Nobody else uses the value after the thread has begun, and starting a thread is a barrier.
    let value: Value
    init(_ value: Value) { self.value = value }
}
