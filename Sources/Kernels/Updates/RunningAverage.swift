/// One step of running means and variances, as PyTorch's batch norms take it with momentum 0.1, which is fixed.
///
///     r = fma(0.1, mean − r, r)      mean = sum × average
public enum RunningAverage {
    /// The share of the newest value.
    public static let momentum: Float = 0.1

    /// Moves `count` running values.
    ///
    /// - Parameters:
    ///   - sum: of what the shards of a batch measured.
    ///   - average: 1 / shards, a power of two.
    public static func update(
        sum: UnsafePointer<Float>, average: Float, running: UnsafeMutablePointer<Float>, count: Int
    ) {
        Profile.enter("running statistics", .update, floats: 3 * count)
        defer { Profile.leave() }
        for i in 0..<count {
            let old = running[i]
            running[i] = old.addingProduct(momentum, sum[i] * average - old)
        }
    }
}
