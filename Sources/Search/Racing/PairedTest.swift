/// Student's test on paired differences, from additions, multiplications, divisions and square roots alone, so that decisions are
/// the same on every processor.
enum PairedTest {
    /// Whether the mean of a finite population of differences is above 0, given a part of them, but for a risk.
    ///
    /// With n of N differences drawn without replacement, mean d̄ and deviation s, (d̄ − μ) / (s √((1 − n/N) / n)) is taken to
    /// have Student's t distribution with n − 1 degrees of freedom, μ being the mean of all N.
    ///
    /// - Parameters:
    ///   - differences: those known, of one population.
    ///   - total: N, more than are known.
    ///   - risk: of the answer `true` where the mean is 0 or less.
    static func isAboveZero(_ differences: [Double], of total: Int, risk: Double) -> Bool {
        let count = Double(differences.count)
        let mean = differences.reduce(0, +) / count
        guard differences.count >= 3, differences.count < total, mean > 0, mean.isFinite else { return false }
        let squares = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        let variance = squares / (count - 1) * (1 - count / Double(total)) / count
        guard variance > 0 else { return true }
        return upperTail(mean / variance.squareRoot(), degrees: differences.count - 1) <= risk
    }

    /// P(T > t) for t ≥ 0 and Student's t distribution with so many degrees of freedom, an odd number of them being lowered by
    /// one: there the finite series (Abramowitz, Stegun, *Handbook of Mathematical Functions*, 26.7.4) needs no arctangent, and the
    /// tail is the larger one.
    static func upperTail(_ t: Double, degrees: Int) -> Double {
        precondition(t >= 0 && degrees >= 2)
        let even = degrees - degrees % 2
        let (square, nu) = (t * t, Double(even))
        let cosine = nu / (nu + square)
        var (term, sum) = (1.0, 1.0)
        for k in stride(from: 2, to: even, by: 2) {
            term *= Double(k - 1) / Double(k) * cosine
            sum += term
        }
        return max(0, (1 - t / (nu + square).squareRoot() * sum) / 2)
    }
}
