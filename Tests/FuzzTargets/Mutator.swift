import TestSupport

/// Changes inputs at random, the same way for the same seed.
public struct Mutator {
    private var draws: SplitMix64

    public init(seed: UInt64) { draws = SplitMix64(seed: seed) }

    /// One to four changes; the result has at most twice the bytes.
    public mutating func mutate(_ input: [UInt8], with other: [UInt8]) -> [UInt8] {
        var bytes = input
        for _ in 0...below(4) {
            if bytes.isEmpty {
                bytes = other
                continue
            }
            // Headers are at the beginning, and most of what can go wrong is in them.
            let place = below(2) == 0 ? below(min(bytes.count, 64)) : below(bytes.count)
            switch below(8) {
            case 0: bytes[place] ^= 1 << UInt8(below(8))
            case 1: bytes[place] = UInt8(below(256))
            case 2: bytes[place] = [0, 1, 0x7f, 0x80, 0xff, 0xfe][below(6)]
            case 3: bytes.removeLast(bytes.count - place)
            case 4: bytes.insert(UInt8(below(256)), at: place)
            case 5: bytes.removeSubrange(place..<min(place + 1 + below(8), bytes.count))
            case 6:
                let end = min(place + 1 + below(16), bytes.count)
                bytes.insert(contentsOf: Array(bytes[place..<end]), at: place)
            default:
                guard !other.isEmpty else { continue }
                let start = below(other.count)
                let part = other[start..<min(start + 1 + below(32), other.count)]
                bytes.replaceSubrange(place..<min(place + part.count, bytes.count), with: part)
            }
        }
        return bytes
    }

    /// From 0 on.
    public mutating func below(_ limit: Int) -> Int {
        Int(draws.next() % UInt64(max(limit, 1)))
    }
}
