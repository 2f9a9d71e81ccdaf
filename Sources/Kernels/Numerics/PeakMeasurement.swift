/// Fused multiply-adds that stay in registers: what one core can do at most.
public enum PeakMeasurement {
    /// Runs `iterations` rounds and returns the multiply-adds done; time it from outside.
    ///
    /// - Parameter sink: receives a value that depends on all of them, so that none is optimised away.
    public static func multiplyAdds(iterations: Int, sink: inout Float) -> Int {
        var sums = InlineArray<12, Lanes>(repeating: Lanes(repeating: sink))
        let factor = Lanes(repeating: 0.999_999)
        let term = Lanes(repeating: 1e-9)
        for _ in 0..<iterations {
            for i in 0..<12 { sums[i] = term.addingProduct(sums[i], factor) }
        }
        var total = Lanes.zero
        for i in 0..<12 { total += sums[i] }
        sink = total.sum()
        return iterations * 12 * 8
    }
}
