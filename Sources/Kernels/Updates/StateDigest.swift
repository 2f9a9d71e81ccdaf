import CProcessor

/// A fast 64-bit digest of buffers, in order. It finds accidents, such as a replica that went astray; it is no defence
/// against an adversary.
///
/// Pairs of floats are 64-bit words; word i goes to lane i mod 4 (the last, incomplete group of words to lane 0) by
/// h ← rotate((h ⊕ word) × odd, 29). Each step is a bijection of the lane and of the word, and so is the end of a buffer,
/// where length and lanes join `value`: whatever changes within one word, a single bit for example, changes the digest.
public struct StateDigest: Sendable, Equatable {
    /// The digest of everything combined so far.
    public private(set) var value: UInt64 = 0x9E37_79B9_7F4A_7C15

    private static let factor: UInt64 = 0xD6E8_FEB8_6659_FD93

    /// The digest of nothing.
    public init() {}

    /// Combines one word.
    public mutating func combine(_ word: UInt64) {
        value = StateDigest.finish(StateDigest.step(value, word))
    }

    /// Combines a buffer of floats by their bits.
    @inline(never)
    public mutating func combine(_ floats: UnsafePointer<Float>, count: Int) {
        Profile.enter("state digest", .update, floats: count)
        defer { Profile.leave() }
        precondition(count >= 0)
        let source = UnsafeRawPointer(floats)
        let words = count / 2
        var a = value
        var b = value ^ 0x5851_F42D_4C95_7F2D
        var c = value ^ 0x1405_7B7E_F767_814F
        var d = value ^ 0x2545_F491_4F6C_DD1D
        var i = 0
        while i &+ 4 <= words {
            a = StateDigest.step(a, StateDigest.word(source, i))
            b = StateDigest.step(b, StateDigest.word(source, i &+ 1))
            c = StateDigest.step(c, StateDigest.word(source, i &+ 2))
            d = StateDigest.step(d, StateDigest.word(source, i &+ 3))
            i &+= 4
        }
        while i < words {
            a = StateDigest.step(a, StateDigest.word(source, i))
            i &+= 1
        }
        if count & 1 == 1 { a = StateDigest.step(a, UInt64(floats[count &- 1].bitPattern)) }
        combine(UInt64(count))
        combine(a)
        combine(b)
        combine(c)
        combine(d)
    }

    @inline(__always)
    private static func word(_ source: UnsafeRawPointer, _ index: Int) -> UInt64 {
        UInt64(littleEndian: source.loadUnaligned(fromByteOffset: index &* 8, as: UInt64.self))
    }

    @inline(__always)
    private static func step(_ lane: UInt64, _ word: UInt64) -> UInt64 {
        // Vectors multiply words of 64 bits at a fraction of the speed.
        let product = ostr_scalar((lane ^ word) &* factor)
        return product << 29 | product >> 35
    }

    /// The mixing of SplitMix64, a bijection in which every input bit reaches every output bit.
    private static func finish(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
