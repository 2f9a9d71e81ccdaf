import Protocol
import Testing

struct IdentityLedgerTests {
    private let key = PublicKey([UInt8](repeating: 1, count: 32))!
    private let other = PublicKey([UInt8](repeating: 2, count: 32))!

    @Test("a second worker with a key waits, and is told off when the first speaks again")
    func second() {
        var ledger = IdentityLedger()
        var known: Set<UInt64> = [7]
        #expect(ledger.judge(7, key: key, isKnown: known.contains) == .genuine(intruder: nil))
        #expect(ledger.judge(8, key: key, isKnown: known.contains) == .waiting)
        #expect(ledger.judge(8, key: key, isKnown: known.contains) == .waiting)
        #expect(ledger.judge(7, key: key, isKnown: known.contains) == .genuine(intruder: 8))
        #expect(ledger.judge(7, key: key, isKnown: known.contains) == .genuine(intruder: nil))
        known = [7, 9]
        #expect(ledger.judge(9, key: other, isKnown: known.contains) == .genuine(intruder: nil))
    }

    @Test("a worker that is started anew gets in once the old one is given up")
    func restart() {
        var ledger = IdentityLedger()
        var known: Set<UInt64> = [7]
        #expect(ledger.judge(7, key: key, isKnown: known.contains) == .genuine(intruder: nil))
        #expect(ledger.judge(8, key: key, isKnown: known.contains) == .waiting)
        known = []
        #expect(ledger.judge(8, key: key, isKnown: known.contains) == .genuine(intruder: nil))
        known = [8]
        #expect(ledger.judge(7, key: key, isKnown: known.contains) == .waiting)
        #expect(ledger.workers(with: key) == [8])
    }

    @Test("nobody speaks in the name of a worker with another key")
    func impersonation() {
        var ledger = IdentityLedger()
        #expect(ledger.judge(7, key: key) { $0 == 7 } == .genuine(intruder: nil))
        #expect(ledger.judge(7, key: other) { $0 == 7 } == .impersonation(of: key))
        ledger.forget(7)
        #expect(ledger.judge(7, key: other) { $0 == 7 } == .genuine(intruder: nil))
    }

    @Test("memory is bounded by the keys, however many workers one of them claims to be")
    func bounded() {
        var ledger = IdentityLedger()
        for worker in 0..<10_000 as Range<UInt64> { _ = ledger.judge(worker, key: key) { _ in false } }
        #expect(ledger.workers(with: key).count == 1)
        for worker in 20_000..<30_000 as Range<UInt64> { _ = ledger.judge(worker, key: key) { _ in true } }
        #expect(ledger.workers(with: key).count == 1)
    }
}
