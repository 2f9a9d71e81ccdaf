import Testing

@testable import Kernels

@Suite struct ProfileTests {
    /// A clock that is set by hand.
    private final class Clock {
        var time: UInt64 = 0
    }

    @Test("a kernel's time is its own, without that of the kernels it calls")
    func exclusive() throws {
        let clock = Clock()
        let profile = Profile(now: { clock.time })
        let arena = Arena()
        let x = arena.tensor(images: 2, channels: 12, height: 6, width: 5)

        profile.begin("outer", nil, x, 10, 7)
        clock.time = 5
        profile.begin("inner", .byWeights, nil, 1, 0)
        clock.time = 25
        profile.end()
        clock.time = 32
        profile.begin("inner", .byWeights, nil, 1, 0)
        clock.time = 33
        profile.end()
        clock.time = 40
        profile.end()

        let entries = profile.entries
        #expect(entries.count == 2)
        let outer = try #require(
            entries[Profile.Key(operation: "outer", pass: .forward, channels: 12, size: 6)])
        #expect((outer.calls, outer.nanoseconds) == (1, 19))
        #expect((outer.multiplyAdds, outer.bytes) == (7, 40))
        let inner = try #require(entries[Profile.Key(operation: "inner", pass: .byWeights, channels: 0, size: 0)])
        #expect((inner.calls, inner.nanoseconds) == (2, 21))
        #expect(inner.bytes == 8)
    }

    @Test("a kernel that serves several passes is noted under the pass of the phase")
    func phases() {
        let profile = Profile(now: { 0 })
        for pass in [Profile.Pass.forward, .backward] {
            profile.phase = pass
            profile.begin("sum", nil, nil, 1, 0)
            profile.end()
        }
        #expect(Set(profile.entries.keys.map(\.pass)) == [.forward, .backward])
    }

    @Test("images are counted without padding, in whole blocks")
    func imageFloats() {
        let x = Arena().tensor(images: 3, channels: 9, height: 4, width: 5, padding: 1)
        #expect(x.imageFloats == 2 * 8 * 20)
    }

    @Test("a triad counts three arrays, and gives what it computes")
    func triad() {
        let triad = TriadMeasurement(bytes: 3 * 320)
        var sink: Float = 0
        #expect(triad.run(rounds: 4, sink: &sink) == 4 * 3 * 320)
        #expect(sink == 4 * 1.5)
    }
}
