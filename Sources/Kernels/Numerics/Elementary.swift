/// Exponential, logarithm and cosine from additions, multiplications and divisions in `Double` alone, without fused
/// operations, so that every processor and C library gives the same bits.
///
/// Errors are a few units in the last place of `Double`, far below what `Float` results show.
public enum Elementary {
    private static let ln2High = 0x1.62e42feep-1
    private static let ln2Low = 0x1.a39ef35793c76p-33

    /// eˣ. Gives 0 below -745 and infinity above 709.78; NaN for NaN.
    public static func exp(_ x: Double) -> Double {
        if x.isNaN { return x }
        if x > 709.78 { return .infinity }
        if x < -745 { return 0 }
        let k = (x * 1.4426950408889634).rounded()
        let r = (x - k * ln2High) - k * ln2Low
        // Taylor series on |r| ≤ 0.3466: the term of degree 14 is below 2^-58.
        var sum = 1.0
        var n = 14.0
        while n >= 1 {
            sum = 1 + sum * r / n
            n -= 1
        }
        return scale(sum, by: Int(k))
    }

    /// ln x. -infinity for 0, NaN below 0.
    public static func log(_ x: Double) -> Double {
        if x.isNaN || x < 0 { return .nan }
        if x == 0 { return -.infinity }
        if x == .infinity { return x }
        var exponent = Double(x.exponent)
        var m = x.significand
        if m > 1.4142135623730951 {
            m *= 0.5
            exponent += 1
        }
        // ln m = 2 artanh(s), s = (m - 1) / (m + 1), |s| ≤ 0.1716: the term s^23 / 23 is below 2^-63.
        let s = (m - 1) / (m + 1)
        let z = s * s
        var sum = 0.0
        var n = 23.0
        while n >= 1 {
            sum = sum * z + 1 / n
            n -= 2
        }
        return exponent * ln2High + (exponent * ln2Low + 2 * s * sum)
    }

    /// cos(2πt) for t in [0, 1]; 1e-15 absolute.
    public static func cosTwoPi(_ t: Double) -> Double {
        // Fold to a quarter turn: cos is even about 0 and odd about a quarter.
        var u = t > 0.5 ? 1 - t : t
        var sign = 1.0
        if u > 0.25 {
            u = 0.5 - u
            sign = -1
        }
        let x = u * 6.283185307179586
        let z = x * x
        var sum = 1.0
        var n = 24.0
        while n >= 2 {
            sum = 1 - sum * z / (n * (n - 1))
            n -= 2
        }
        return sign * sum
    }

    private static func scale(_ x: Double, by exponent: Int) -> Double {
        if exponent >= -1022 && exponent <= 1023 { return x * Double(sign: .plus, exponent: exponent, significand: 1) }
        let half = exponent / 2
        return x * Double(sign: .plus, exponent: half, significand: 1)
            * Double(sign: .plus, exponent: exponent - half, significand: 1)
    }
}
