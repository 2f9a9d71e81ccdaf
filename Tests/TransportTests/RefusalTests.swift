import Foundation
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Transport

struct RefusalTests {
    /// Collects lines.
    private final class Lines: LogHandler {
        let lines = Mutex<[String]>([])
        var metadata: Logger.Metadata {
            get { [:] }
            set {}
        }
        var logLevel: Logger.Level {
            get { .trace }
            set {}
        }
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { nil }
            set {}
        }
        func log(event: LogEvent) { lines.withLock { $0.append("\(event.level) \(event.message)") } }
        var all: [String] { lines.withLock { $0 } }
    }

    private func log() -> (RefusalLog, Lines) {
        let lines = Lines()
        return (RefusalLog(Logger(label: "test") { _ in lines }), lines)
    }

    @Test("a peer gets a line at its first, tenth and hundredth refusal")
    func rate() {
        let (log, lines) = log()
        for _ in 0..<500 { log.record("a message from 10.0.0.1", as: "10.0.0.1", "no") }
        #expect(
            lines.all == [
                "warning refused a message from 10.0.0.1: no",
                "warning refused a message from 10.0.0.1: no (10 times)",
                "warning refused a message from 10.0.0.1: no (100 times)",
            ])
        #expect(log.count == 500)
    }

    @Test("however many peers are refused, lines are bounded")
    func bounded() {
        let (log, lines) = log()
        for peer in 0..<10_000 { log.record("\(peer)", as: "\(peer)", "no") }
        #expect(lines.all.count == RefusalLog.loggedPeers + 1)
        #expect(log.count == 10_000)
    }

    @Test("a connection that never said anything is reported with the reason, others are not")
    func ledger() {
        var ledger = ConnectionLedger(mayBeSilent: false)
        let address = PeerAddress(host: "10.0.0.1", port: "99")
        ledger.accepted(5, address: address)
        ledger.beginNews()
        ledger.failed(.malformed)
        #expect(ledger.disconnected(5)?.address == address)
        ledger.accepted(5, address: address)
        ledger.spoke(5)
        #expect(ledger.disconnected(5) == nil)
        ledger.accepted(5, address: address)
        ledger.failed(.refused)
        #expect(ledger.disconnected(5) == nil)
        ledger.accepted(5, address: address)
        #expect(ledger.disconnected(5)?.reason.contains("131072") == true)
        #expect(ledger.disconnected(5) == nil)
    }
}

extension RefusalTests {
    @Test("the address of a connection that came and went at one time is not believed, that of its successor is")
    func reusedDescriptor() {
        var ledger = ConnectionLedger(mayBeSilent: false)
        let successor = PeerAddress(host: "10.0.0.2", port: "1")
        ledger.beginNews()
        // Descriptor 5 was another's by the time its address was asked for.
        ledger.accepted(5, address: successor)
        ledger.failed(.brokenOff)
        #expect(ledger.disconnected(5)?.address == .unknown)
        ledger.accepted(5, address: successor)
        #expect(ledger.address(of: 5) == successor)
        ledger.beginNews()
        #expect(ledger.disconnected(5)?.address == successor)
    }

    @Test("where silence is fine, only those that were never let in are reported")
    func silence() {
        var ledger = ConnectionLedger(mayBeSilent: true)
        let address = PeerAddress(host: "10.0.0.1", port: "99")
        for connection in 5...7 as ClosedRange<Int32> { ledger.accepted(connection, address: address) }
        ledger.succeeded()
        ledger.succeeded()
        ledger.spoke(5)
        ledger.spoke(5)
        #expect(ledger.disconnected(6) == nil)
        #expect(ledger.disconnected(7) != nil)
        #expect(ledger.disconnected(5) == nil)
    }
}

struct EndpointTests {
    @Test("socket files want a folder that is for this user alone")
    func folders() throws {
        let folder = try TemporaryFolder()
        let endpoint = try Endpoint("ipc://\(folder.path)/c")
        chmod(folder.path, 0o700)
        try endpoint.require(keys: false, insecure: false)
        for mode: mode_t in [0o750, 0o705, 0o710] {
            chmod(folder.path, mode)
            let error = #expect(throws: TransportError.self) { try endpoint.require(keys: false, insecure: false) }
            #expect(error?.description.contains("chmod 700 \(folder.path)") == true)
            try endpoint.require(keys: true, insecure: false)
            try endpoint.require(keys: false, insecure: true)
        }
        if geteuid() == 0 {
            chmod(folder.path, 0o700)
            chown(folder.path, 12345, 12345)
            let error = #expect(throws: TransportError.self) { try endpoint.require(keys: false, insecure: false) }
            #expect(error?.description.contains("12345") == true)
        }
        #expect(throws: TransportError.self) {
            try Endpoint("ipc://\(folder.path)/missing/c").require(keys: false, insecure: false)
        }
    }

    @Test("TCP wants keys or leave to go without")
    func tcp() throws {
        let endpoint = try Endpoint("tcp://127.0.0.1:1")
        #expect(throws: TransportError.insecure("tcp://127.0.0.1:1")) {
            try endpoint.require(keys: false, insecure: false)
        }
        try endpoint.require(keys: true, insecure: false)
        try endpoint.require(keys: false, insecure: true)
    }

    @Test("names outside of the file system are no socket files")
    func abstract() {
        #expect(throws: TransportError.self) { try Endpoint("ipc://@name") }
    }
}
