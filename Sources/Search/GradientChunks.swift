import Kernels

/// The borders at which a flat gradient is cut: chunks of the all-reduce, and of the gradient's norm.
public enum GradientChunks {
    /// Floats in a chunk; the last chunk of a gradient may be smaller.
    public static let elements = 32_768

    /// Chunks of a gradient of `total` floats.
    public static func count(of total: Int) -> Int { (total + elements - 1) / elements }

    /// Elements of chunk `index` in a gradient of `total` floats.
    public static func range(_ index: Int, of total: Int) -> Range<Int> {
        let lower = index * elements
        return lower..<min(lower + elements, total)
    }

    /// Σ g² in `Double`: the sum of each chunk by `VectorAddition.sumOfSquares`, added in the order of chunks.
    static func sumOfSquares(_ gradient: UnsafePointer<Float>, count: Int) -> Double {
        var sum = 0.0
        for chunk in 0..<GradientChunks.count(of: count) {
            let range = GradientChunks.range(chunk, of: count)
            sum += VectorAddition.sumOfSquares(gradient + range.lowerBound, count: range.count)
        }
        return sum
    }
}
