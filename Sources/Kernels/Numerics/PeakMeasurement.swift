/// Fused multiply-adds that stay in registers: what one core can do at most.
public enum PeakMeasurement {
    /// Runs `iterations` rounds and returns the multiply-adds done; time it from outside.
    ///
    /// - Parameter sink: receives a value that depends on all of them, so that none is optimised away.
    public static func multiplyAdds(iterations: Int, sink: inout Float) -> Int {
        Pair.isRegister
            ? run(Pair.self, iterations: iterations, sink: &sink) : run(Lanes.self, iterations: iterations, sink: &sink)
    }

    /// In the widest registers.
    @inline(__always)
    private static func run<V: ChannelVector>(_: V.Type, iterations: Int, sink: inout Float) -> Int {
        var first = InlineArray<6, V>(repeating: V(repeating: sink))
        var second = first
        let factor = V(repeating: 0.999_999)
        let term = V(repeating: 1e-9)
        for _ in 0..<iterations {
            for i in 0..<6 {
                first[i] = term.addingProduct(first[i], factor)
                second[i] = term.addingProduct(second[i], factor)
            }
        }
        var total = V.zero
        for i in 0..<6 { total += first[i] + second[i] }
        sink = total.sum()
        return iterations * 12 * V.scalarCount
    }
}
