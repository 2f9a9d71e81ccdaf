/// What a random draw is for. Each purpose has its own draws; the raw values are part of every run's numbers.
public enum RandomPurpose: UInt32, Sendable {
    case initialWeights = 1
    case initialAlphas = 2
    case weightsShuffle = 3
    case alphasShuffle = 4
    case crop = 5
    case flip = 6
    case dropPath = 7
    case edgeOrder = 8
    case synthetic = 9
    case noise = 10
    case cutout = 11
}

/// A counter-based random generator: a draw is a function of its key and position, not of the draws before it.
///
/// Philox4x32-10 from Salmon, Moraes, Dror, Shaw, *Parallel Random Numbers: As Easy as 1, 2, 3* (SC 2011). The key is
/// the seed; the counter is (index, stream, context, purpose). Equal on every processor.
public struct Philox: Sendable {
    private let key: SIMD2<UInt32>
    private let purpose: UInt32
    private let context: UInt32
    private let stream: UInt32

    /// - Parameters:
    ///   - seed: the run's seed.
    ///   - context: usually the epoch; 0 where there is none.
    ///   - stream: usually the image's index in its data set, or a tensor's number.
    public init(seed: UInt64, purpose: RandomPurpose, context: Int = 0, stream: Int = 0) {
        key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        self.purpose = purpose.rawValue
        self.context = UInt32(truncatingIfNeeded: context)
        self.stream = UInt32(truncatingIfNeeded: stream)
    }

    /// The four words at counter (index, stream, context, purpose).
    public func words(at index: Int) -> SIMD4<UInt32> {
        Philox.block(
            counter: SIMD4(UInt32(truncatingIfNeeded: index), stream, context, purpose), key: key)
    }

    /// A value in [0, 1) with 24 random bits, exact in `Float`.
    public func uniform(at index: Int) -> Float {
        Float(words(at: index).x >> 8) * 0x1p-24
    }

    /// A whole number in 0 ..< bound, by the high half of a 32-bit product (bias below bound / 2³²).
    public func integer(below bound: Int, at index: Int) -> Int {
        precondition(bound > 0 && bound <= Int(UInt32.max))
        return Int((UInt64(words(at: index).x) &* UInt64(bound)) >> 32)
    }

    /// A standard normal value (Box–Muller), from our own logarithm and cosine.
    public func normal(at index: Int) -> Float {
        let w = words(at: index)
        let u = (Double(w.x) + 0.5) * 0x1p-32
        let v = Double(w.y) * 0x1p-32
        return Float((-2 * Elementary.log(u)).squareRoot() * Elementary.cosTwoPi(v))
    }

    /// A permutation of 0 ..< count (Fisher–Yates, draw i decides position i).
    public func permutation(of count: Int) -> [Int] {
        var order = Array(0..<count)
        for i in stride(from: count - 1, to: 0, by: -1) {
            order.swapAt(i, integer(below: i + 1, at: i))
        }
        return order
    }

    /// One Philox4x32-10 block.
    static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var c = counter
        var k = key
        for round in 0..<10 {
            if round > 0 { k &+= SIMD2(0x9E37_79B9, 0xBB67_AE85) }
            let p0 = UInt64(0xD251_1F53) &* UInt64(c.x)
            let p1 = UInt64(0xCD9E_8D57) &* UInt64(c.z)
            c = SIMD4(
                UInt32(truncatingIfNeeded: p1 >> 32) ^ c.y ^ k.x, UInt32(truncatingIfNeeded: p1),
                UInt32(truncatingIfNeeded: p0 >> 32) ^ c.w ^ k.y, UInt32(truncatingIfNeeded: p0))
        }
        return c
    }
}
