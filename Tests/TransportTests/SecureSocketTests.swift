import Foundation
import Logging
import Protocol
import Synchronization
import TestSupport
import Testing

@testable import Transport

/// Real sockets on loopback: who gets in, and that nobody does when something is missing.
struct SecureSocketTests {
    /// A server and what was refused at it.
    private final class Server {
        let context: MessagingContext
        var authenticator: Authenticator?
        let socket: MessagingSocket
        let monitor: SocketMonitor
        let endpoint: Endpoint
        let refused: Mailbox<Authenticator.Refusal>

        init(
            _ security: SocketSecurity, policy: Authenticator.Policy?, manner: Authenticator.Manner = .final
        ) throws {
            context = try MessagingContext()
            refused = try Mailbox()
            if let policy {
                authenticator = try Authenticator(context, policy: policy, manner: manner) { [refused] in
                    refused.post($0)
                }
            }
            var configuration = SocketConfiguration(.router)
            configuration.security = security
            configuration.linger = .zero
            socket = try MessagingSocket(context, configuration)
            monitor = try SocketMonitor(context, of: socket)
            endpoint = try socket.bind(Endpoint("tcp://127.0.0.1:*"))
        }
    }

    private final class Client {
        let context: MessagingContext
        let socket: MessagingSocket
        let monitor: SocketMonitor

        init(_ server: Server, _ security: SocketSecurity) throws {
            context = try MessagingContext()
            var configuration = SocketConfiguration(.dealer)
            configuration.security = security
            configuration.linger = .zero
            socket = try MessagingSocket(context, configuration)
            monitor = try SocketMonitor(context, of: socket)
            try socket.connect(server.endpoint)
            #expect(try socket.send([[1, 2, 3]]) == .sent)
        }

        /// The first failure, waited for.
        func failure(_ limit: Duration = .seconds(20)) throws -> HandshakeFailure? {
            let end = MonotonicClock.now + limit
            while MonotonicClock.now < end {
                if case .failed(let failure)? = try next(monitor, .milliseconds(200)) { return failure }
            }
            return nil
        }
    }

    private static func message(_ socket: MessagingSocket, _ limit: Duration) throws -> ReceivedMessage? {
        var poller = Poller()
        poller.add(socket)
        let end = MonotonicClock.now + limit
        while MonotonicClock.now < end {
            if let message = try socket.receive() { return message }
            try poller.wait(.milliseconds(50))
        }
        return nil
    }

    private static func next(_ monitor: SocketMonitor, _ limit: Duration) throws -> SocketMonitor.Event? {
        var poller = Poller()
        poller.add(monitor.socket)
        if let event = try monitor.receive() { return event }
        try poller.wait(limit)
        return try monitor.receive()
    }

    /// Long enough for a handshake on loopback, many times over.
    private let never = Duration.milliseconds(700)

    @Test("a listed key gets in, and its messages carry it")
    func listed() throws {
        let (own, worker) = (try KeyPair.generate(), try KeyPair.generate())
        let server = try Server(.server(own), policy: .holders(of: [worker.publicKey]))
        let client = try Client(server, .client(worker, server: own.publicKey))
        let message = try #require(try Self.message(server.socket, .seconds(20)))
        #expect(message.peer.key == worker.publicKey && message.peer.connection >= 0)
        #expect(message.frames.last == [1, 2, 3])
        #expect(try server.socket.send([message.frames[0], [4]]) == .sent)
        #expect(try Self.message(client.socket, .seconds(20))?.frames == [[4]])
        #expect(server.refused.drain().isEmpty)
    }

    @Test("an unlisted key is refused, told so, and reported")
    func unlisted() throws {
        let (own, worker) = (try KeyPair.generate(), try KeyPair.generate())
        let server = try Server(.server(own), policy: .holders(of: [own.publicKey]))
        let client = try Client(server, .client(worker, server: own.publicKey))
        #expect(try client.failure() == .refused)
        #expect(try server.socket.receive() == nil)
        // It is reported just after it is answered.
        var poller = Poller()
        poller.add(descriptor: server.refused.descriptor)
        try poller.wait(.seconds(20))
        #expect(server.refused.drain().first == .init(key: worker.publicKey, address: "127.0.0.1"))
    }

    @Test("a key that is listed a little later gets in then, where the server is patient")
    func later() throws {
        let (own, worker) = (try KeyPair.generate(), try KeyPair.generate())
        let server = try Server(.server(own), policy: .holders(of: []), manner: .patient(.seconds(60)))
        let client = try Client(server, .client(worker, server: own.publicKey))
        #expect(try Self.message(server.socket, never) == nil)
        let start = MonotonicClock.now
        server.authenticator?.set(.holders(of: [worker.publicKey]))
        #expect(try Self.message(server.socket, .seconds(20))?.peer.key == worker.publicKey)
        // Within the same handshake, not by trying again.
        #expect(MonotonicClock.now - start < .seconds(3))
        #expect(server.refused.drain().isEmpty)
        withExtendedLifetime(client) {}
    }

    @Test("patience ends, with a refusal that is reported")
    func patienceEnds() throws {
        let (own, worker) = (try KeyPair.generate(), try KeyPair.generate())
        let server = try Server(.server(own), policy: .holders(of: []), manner: .patient(.milliseconds(100)))
        let client = try Client(server, .client(worker, server: own.publicKey))
        var poller = Poller()
        let place = poller.add(descriptor: server.refused.descriptor)
        try poller.wait(.seconds(20))
        #expect(poller.isReady(place))
        #expect(server.refused.drain().first?.key == worker.publicKey)
        #expect(try server.socket.receive() == nil)
        withExtendedLifetime(client) {}
    }

    @Test("who expects another server key does not come through")
    func otherServer() throws {
        let (own, worker, other) = (try KeyPair.generate(), try KeyPair.generate(), try KeyPair.generate())
        let server = try Server(.server(own), policy: .holders(of: [worker.publicKey]))
        let client = try Client(server, .client(worker, server: other.publicKey))
        #expect(try client.failure() != nil)
        #expect(try Self.message(server.socket, never) == nil)
    }

    @Test("without keys nobody gets in where keys are wanted, nor the other way round", arguments: [true, false])
    func mixed(keys: Bool) throws {
        let (own, worker) = (try KeyPair.generate(), try KeyPair.generate())
        let server = try Server(
            keys ? .server(own) : .open, policy: keys ? .holders(of: [worker.publicKey]) : .anyone)
        let client = try Client(server, keys ? .none : .client(worker, server: own.publicKey))
        // Either side may be the first to notice; the other then sees the connection closed.
        #expect([.otherSecurity, .brokenOff].contains(try client.failure()))
        #expect(try Self.message(server.socket, never) == nil)
        var events: [SocketMonitor.Event] = []
        while let event = try server.monitor.receive() { events.append(event) }
        #expect(events.contains { if case .disconnected = $0 { true } else { false } })
        #expect(!events.contains(.succeeded))
    }

    @Test("without an authenticator nobody gets in, with the right keys or without", arguments: [true, false])
    func failsClosed(keys: Bool) throws {
        let (own, worker) = (try KeyPair.generate(), try KeyPair.generate())
        let server = try Server(keys ? .server(own) : .open, policy: nil)
        let client = try Client(server, keys ? .client(worker, server: own.publicKey) : .none)
        #expect(try Self.message(server.socket, never) == nil)
        withExtendedLifetime(client) {}
    }

    @Test("when the authenticator is gone nobody gets in any more")
    func authenticatorGone() throws {
        let (own, worker) = (try KeyPair.generate(), try KeyPair.generate())
        let server = try Server(.server(own), policy: .holders(of: [worker.publicKey]))
        let first = try Client(server, .client(worker, server: own.publicKey))
        #expect(try Self.message(server.socket, .seconds(20)) != nil)
        server.authenticator = nil
        let second = try Client(server, .client(worker, server: own.publicKey))
        #expect(try Self.message(server.socket, never) == nil)
        withExtendedLifetime((first, second)) {}
    }

    @Test("without keys anyone gets in who speaks the protocol, and an HTTP client does not")
    func open() throws {
        let server = try Server(.open, policy: .anyone)
        let client = try Client(server, .none)
        #expect(try Self.message(server.socket, .seconds(20))?.frames.last == [1, 2, 3])
        guard case .tcp(_, let port) = server.endpoint.kind else { return }
        let stranger = try RawConnection(port: port)
        stranger.send(Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
        #expect(stranger.isClosed(within: .seconds(20)))
        #expect(try server.socket.receive() == nil)
        withExtendedLifetime(client) {}
    }

    @Test("a message of too many frames or bytes comes as what it is, without them")
    func excess() throws {
        let server = try Server(.open, policy: .anyone)
        let client = try Client(server, .none)
        let frame = [UInt8](repeating: 7, count: WireLimits.frame)
        #expect(try client.socket.send(Array(repeating: [0], count: 100)) == .sent)
        #expect(try client.socket.send([frame, frame, frame]) == .sent)
        #expect(try client.socket.send([[9]]) == .sent)
        #expect(try Self.message(server.socket, .seconds(20))?.frames.last == [1, 2, 3])
        let parts = try Self.message(server.socket, .seconds(20))
        #expect(
            parts?.excess
                == .oversized(what: "a number of frames", found: 101, limit: WireLimits.parts))
        #expect(parts?.frames.count == 1)
        guard
            case .oversized("a message", _, WireLimits.message)? =
                try Self.message(server.socket, .seconds(20))?.excess
        else {
            Issue.record("a message of three full frames was taken")
            return
        }
        #expect(try Self.message(server.socket, .seconds(20))?.frames.last == [9])
    }

    @Test("a frame of more than the limit cuts the connection")
    func largeFrame() throws {
        let server = try Server(.open, policy: .anyone)
        let client = try Client(server, .none)
        #expect(try Self.message(server.socket, .seconds(20)) != nil)
        #expect(try client.socket.send([[UInt8](repeating: 7, count: WireLimits.frame + 100)]) == .sent)
        var isCut = false
        for _ in 0..<100 where !isCut {
            if case .disconnected? = try Self.next(server.monitor, .milliseconds(200)) { isCut = true }
        }
        #expect(isCut)
        #expect(try Self.message(server.socket, .milliseconds(100)) == nil)
    }
}

struct AuthenticatorTests {
    private let key = PublicKey([UInt8](repeating: 5, count: 32))!

    private func request(_ changes: (inout [[UInt8]]) -> Void = { _ in }) -> [[UInt8]] {
        var request = ["1.0", "1", "ostr", "10.0.0.9", "", "CURVE"].map { Array($0.utf8) } + [key.bytes]
        changes(&request)
        return request
    }

    private func status(_ request: [[UInt8]], _ policy: Authenticator.Policy) -> String {
        String(
            decoding: Authenticator.judge(request, policy: policy, manner: .final).answer[2], as: UTF8.self)
    }

    @Test("only a whole and right request is answered with yes")
    func judging() {
        let policy = Authenticator.Policy.holders(of: [key])
        #expect(status(request(), policy) == "200")
        #expect(status(request(), .anyone) == "400")
        #expect(status(request(), .holders(of: [])) == "400")
        for change: (inout [[UInt8]]) -> Void in [
            { $0[0] = Array("2.0".utf8) }, { $0[2] = [] }, { $0[5] = Array("NULL".utf8) }, { $0.removeLast() },
            { $0[6].removeLast() }, { $0[6][0] ^= 1 }, { $0.append([]) }, { $0 = [] },
        ] { #expect(status(request(change), policy) == "400") }
        let plain = request {
            $0.removeLast(); $0[5] = Array("NULL".utf8)
        }
        #expect(status(plain, .anyone) == "200" && status(plain, policy) == "400")
    }
}
