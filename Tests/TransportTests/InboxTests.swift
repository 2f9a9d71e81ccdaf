import Foundation
import Protocol
import TestSupport
import Testing

@testable import Transport

/// What becomes of messages that come faster than they are handled.
struct InboxTests {
    private final class Server {
        let context: MessagingContext
        let socket: MessagingSocket
        let endpoint: Endpoint

        init() throws {
            context = try MessagingContext()
            socket = try MessagingSocket(context, SocketConfiguration(.router))
            endpoint = try socket.bind(Endpoint("tcp://127.0.0.1:*"))
        }

        /// Waits until so many messages were read, kept or refused.
        func read(_ count: Int, into inbox: inout Inbox) throws -> [ReceivedMessage] {
            var refused: [ReceivedMessage] = []
            var poller = Poller()
            _ = poller.add(socket)
            let end = MonotonicClock.now + .seconds(20)
            while inbox.count + refused.count < count, MonotonicClock.now < end {
                try poller.wait(.milliseconds(100))
                try inbox.read(socket) { refused.append($0) }
            }
            return refused
        }

        func client(sends messages: [[UInt8]]) throws -> MessagingSocket {
            let socket = try MessagingSocket(context, SocketConfiguration(.dealer))
            try socket.connect(endpoint)
            for message in messages { #expect(try socket.send([message]) == .sent) }
            return socket
        }
    }

    private func numbers(_ count: Int) -> [[UInt8]] {
        (0..<count).map { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
    }

    @Test("of a sender that is too fast the first messages are kept, in order, and of the others all")
    func flood() throws {
        let server = try Server()
        var limits = Inbox.Limits()
        limits.messages = 100
        var inbox = Inbox(limits)
        let flood = try server.client(sends: numbers(1000))
        let refused = try server.read(1000, into: &inbox)
        #expect(refused.count == 900)
        let other = try server.client(sends: numbers(50))
        #expect(try server.read(150, into: &inbox).isEmpty)
        var found: [[UInt8]: [[UInt8]]] = [:]
        while let message = inbox.next() { found[message.frames[0], default: []].append(message.frames[1]) }
        #expect(found.values.sorted { $0.count < $1.count } == [numbers(50), numbers(100)])
        #expect(inbox.isEmpty)
        // What was handled makes room.
        for message in numbers(100) { #expect(try flood.send([message]) == .sent) }
        #expect(try server.read(100, into: &inbox).isEmpty)
        withExtendedLifetime(other) {}
    }

    @Test("bytes of one sender, and of all, are limited")
    func bytes() throws {
        let server = try Server()
        var limits = Inbox.Limits()
        (limits.bytes, limits.total) = (10_000, 15_000)
        var inbox = Inbox(limits)
        let clients = try (0..<2).map { _ in
            try server.client(sends: Array(repeating: [UInt8](repeating: 7, count: 1000), count: 20))
        }
        let refused = try server.read(40, into: &inbox)
        // Routing ids count too: nine of the first sender, and what room there is for the other's.
        #expect(refused.count == 40 - 14)
        var kept: [[UInt8]: Int] = [:]
        while let message = inbox.next() { kept[message.frames[0], default: 0] += 1 }
        #expect(kept.values.allSatisfy { $0 <= 9 })
        withExtendedLifetime(clients) {}
    }

    @Test("no more is read at a time than a turn allows, so that a flood keeps nobody from the rest of the work")
    func turns() throws {
        let server = try Server()
        var limits = Inbox.Limits()
        limits.turn = 64
        var inbox = Inbox(limits)
        let client = try server.client(sends: numbers(500))
        usleep(300_000)
        try inbox.read(server.socket) { _ in }
        #expect(inbox.count == 64)
        withExtendedLifetime(client) {}
    }
}
