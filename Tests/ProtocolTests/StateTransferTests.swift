import Protocol
import TestSupport
import Testing

struct StateTransferTests {
    static let sizes = [
        1, WireLimits.stateChunk - 1, WireLimits.stateChunk, WireLimits.stateChunk + 1, WireLimits.stateChunk * 20 + 5,
    ]

    @Test("a state comes over a network that loses, repeats and reorders", arguments: sizes)
    func lossy(size: Int) throws {
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let source = StateSource(bytes, appliedHalfSteps: 3)
        for seed in 0..<(size < 200_000 ? 50 : 5) {
            var random = SplitMix64(seed: UInt64(seed))
            var assembly = StateAssembly(appliedHalfSteps: 3)
            var now = Duration.zero
            var flying: [StateChunk] = []
            var result: [UInt8]?
            for _ in 0..<10_000 where result == nil {
                for offset in assembly.requests(at: now) where !random.chance(20) {
                    flying.append(try #require(source.chunk(at: offset)))
                }
                #expect(flying.count <= StateAssembly.window * 12)
                flying.shuffle(using: &random)
                if let chunk = flying.last {
                    if !random.chance(20) { flying.removeLast() }
                    if !random.chance(20) { result = try assembly.receive(chunk) }
                }
                now += .milliseconds(Int.random(in: 0..<300, using: &random))
            }
            #expect(result == bytes, "seed \(seed)")
        }
    }

    @Test("parts of two states are not mixed")
    func twoStates() throws {
        let first = StateSource(Array(repeating: 1, count: WireLimits.stateChunk * 2), appliedHalfSteps: 3)
        let second = StateSource(Array(repeating: 2, count: WireLimits.stateChunk * 2), appliedHalfSteps: 3)
        var assembly = StateAssembly(appliedHalfSteps: 3)
        _ = assembly.requests(at: .zero)
        #expect(try assembly.receive(#require(first.chunk(at: 0))) == nil)
        _ = assembly.requests(at: .zero)
        let part = try #require(second.chunk(at: WireLimits.stateChunk))
        #expect(throws: ProtocolError.self) { try assembly.receive(part) }
    }

    @Test("there is no part outside of the state or between two parts")
    func outside() {
        let source = StateSource([1, 2, 3], appliedHalfSteps: 3)
        #expect(source.chunk(at: 3) == nil)
        #expect(source.chunk(at: -1) == nil)
        #expect(source.chunk(at: 1) == nil)
    }
}
