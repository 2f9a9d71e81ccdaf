/// Sums over buffers. Element-wise, so that no vector width can change a bit.
public enum VectorAddition {
    /// target[i] = target[i] + addend[i].
    @inline(never)
    public static func add(
        _ addend: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int
    ) {
        Profile.enter("sum over shards", .update, floats: 3 * count)
        defer { Profile.leave() }
        precondition(count >= 0)
        let source = UnsafeRawPointer(addend)
        let sink = UnsafeMutableRawPointer(target)
        let vectors = count & ~7
        var i = 0
        while i < vectors {
            let offset = i &* 4
            let sum =
                sink.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self)
                + source.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self)
            sink.storeBytes(of: sum, toByteOffset: offset, as: SIMD8<Float>.self)
            i &+= 8
        }
        while i < count {
            target[i] += addend[i]
            i &+= 1
        }
    }

    /// target[i] = fma(factor, addend[i], target[i]).
    @inline(never)
    public static func add(
        _ addend: UnsafePointer<Float>, times factor: Float, to target: UnsafeMutablePointer<Float>, count: Int
    ) {
        Profile.enter("weights along a direction", .update, floats: 3 * count)
        defer { Profile.leave() }
        precondition(count >= 0)
        for i in 0..<count { target[i] = target[i].addingProduct(factor, addend[i]) }
    }

    /// Σ values[i]² in `Double`, in one fixed order; not finite exactly when one of the values is not finite.
    ///
    /// Lane l of eight adds the squares of elements l, l + 8, l + 16 … one after the other; then the lanes are added as
    /// ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)). The square of a `Float` is exact in `Double`, so that fused and
    /// separate operations agree.
    @inline(never)
    public static func sumOfSquares(_ values: UnsafePointer<Float>, count: Int) -> Double {
        Profile.enter("gradient norm", .update, floats: count)
        defer { Profile.leave() }
        precondition(count >= 0)
        let source = UnsafeRawPointer(values)
        var low = SIMD4<Double>.zero
        var high = SIMD4<Double>.zero
        let vectors = count & ~7
        var i = 0
        while i < vectors {
            let a = source.loadUnaligned(fromByteOffset: i &* 4, as: SIMD4<Float>.self)
            let b = source.loadUnaligned(fromByteOffset: i &* 4 &+ 16, as: SIMD4<Float>.self)
            let wideA = SIMD4<Double>(Double(a[0]), Double(a[1]), Double(a[2]), Double(a[3]))
            let wideB = SIMD4<Double>(Double(b[0]), Double(b[1]), Double(b[2]), Double(b[3]))
            low += wideA * wideA
            high += wideB * wideB
            i &+= 8
        }
        var lane = 0
        while i < count {
            let value = Double(values[i])
            if lane < 4 { low[lane] += value * value } else { high[lane &- 4] += value * value }
            lane &+= 1
            i &+= 1
        }
        let sum = low + high
        return (sum[0] + sum[2]) + (sum[1] + sum[3])
    }
}
