import TestSupport
import Testing

@testable import Kernels

/// Three operands whose sum of a product is hard to round.
private enum Draw: String, CaseIterable {
    /// Any bits: infinities, not-a-numbers and overflow among them.
    case bits = "random bits"
    /// Zeros of both signs, the least and greatest numbers, infinities.
    case special = "special values"
    /// The addend is the rounded product's opposite.
    case cancelling = "cancellation"
    /// The exact sum lies halfway between two `Float`s, or so close to it that `Double` cannot tell.
    case midpoint = "midpoints"
    /// The sum has no leading one.
    case subnormal = "subnormal sums"

    func callAsFunction(_ random: inout SplitMix64) -> (a: Float, b: Float, c: Float) {
        func bits() -> Float { Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) }
        func scaled(_ exponents: ClosedRange<Int>) -> Float {
            let significand = 1 + Float(random.next() >> 41) * 0x1p-23
            let sign: FloatingPointSign = random.chance(50) ? .minus : .plus
            return Float(sign: sign, exponent: .random(in: exponents, using: &random), significand: significand)
        }
        switch self {
        case .bits: return (bits(), bits(), bits())
        case .special:
            let values: [Float] = [
                0, 1, 1.5, .leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude, .infinity,
            ]
            func value() -> Float { values.randomElement(using: &random)! * (random.chance(50) ? -1 : 1) }
            return (value(), value(), value())
        case .cancelling:
            let (a, b) = (scaled(-40...40), scaled(-40...40))
            return (a, b, -(a * b))
        case .midpoint:
            if random.chance(50) {
                // 12 bits times 13, both odd: 25 bits where the product is large enough.
                let (a, b) = ((random.next() >> 53) << 1 | 0x801, (random.next() >> 52) << 1 | 0x1001)
                return (Float(a), Float(b), random.chance(20) ? 0 : scaled(-120 ... -40))
            }
            // The product is by 2⁻⁴⁶ of itself less than half of the addend's last bit.
            return (1 + 0x1p-23, 0x1p-24 - 0x1p-47, abs(scaled(0...0)))
        case .subnormal: return (scaled(-80 ... -60), scaled(-80 ... -60), scaled(-149 ... -120))
        }
    }
}

@Suite("Fused multiply-adds")
struct ProductsTests {
    static let seed: UInt64 = 2_024_091_409

    /// Fails where `result` is not c + a × b, rounded once.
    private func check(_ result: Float, _ a: Float, _ b: Float, _ c: Float) {
        let expected = c.addingProduct(a, b)
        if result.bitPattern == expected.bitPattern || (result.isNaN && expected.isNaN) { return }
        Issue.record("\(c) + \(a) × \(b) is \(result) and not \(expected); seed \(Self.seed)")
    }

    @Test("kernels round a sum with a product once, as the processor or the C library does", arguments: Draw.allCases)
    fileprivate func kernels(_ draw: Draw) {
        var random = SplitMix64(seed: Self.seed)
        let channels = 512
        let arena = Arena()
        let (x, target) = (
            arena.tensor(images: 1, channels: channels, height: 1, width: 1),
            arena.tensor(images: 1, channels: channels, height: 1, width: 1)
        )
        let (a, c) = (arena.floats(channels), arena.floats(channels))
        let (pixels, sums) = (x.plane(0, 0), target.plane(0, 0))
        for _ in 0..<200 {
            for channel in 0..<channels { (a[channel], pixels[channel], c[channel]) = draw(&random) }
            WeightedSum.compute(
                WeightedTerms(x, a), constants: c, image: 0, into: ImageOf(target, image: 0))
            for channel in 0..<channels { check(sums[channel], a[channel], pixels[channel], c[channel]) }
        }
        withExtendedLifetime(arena) {}
    }

    @Test("vectors of 8 and of 16 give the same", arguments: Draw.allCases)
    fileprivate func vectors(_ draw: Draw) {
        var random = SplitMix64(seed: Self.seed + 1)
        for _ in 0..<2000 {
            var (a, b, c) = (SIMD16<Float>(), SIMD16<Float>(), SIMD16<Float>())
            for lane in 0..<16 { (a[lane], b[lane], c[lane]) = draw(&random) }
            let wide = c.addingProduct(a, b)
            var narrow = c.highHalf
            narrow.addProduct(a.highHalf, b.highHalf)
            for lane in 0..<16 { check(wide[lane], a[lane], b[lane], c[lane]) }
            for lane in 0..<8 { check(narrow[lane], a[lane + 8], b[lane + 8], c[lane + 8]) }
        }
    }
}
