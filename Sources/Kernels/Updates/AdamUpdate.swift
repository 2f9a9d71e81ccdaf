/// One step of Adam with weight decay in the gradient, as `torch.optim.Adam`.
///
/// For each element, in this order, each line rounded once to `Float` (`fma` is a fused multiply-add):
///
///     g = sum × average                       exact, since average is a power of two
///     g = fma(weightDecay, a, g)
///     m = fma(g - m, 1 - β₁, m)               the difference is rounded first
///     v = fma((1 - β₂) × g, g, β₂ × v)        both products are rounded first
///     d = √v / √(1 - β₂ᵗ) + ε                 each operation is rounded
///     a = fma(-stepSize, m / d, a)            stepSize = learningRate / (1 - β₁ᵗ)
///
/// Bias corrections are computed in `Double` and rounded once. There are a few hundred alphas at most: a plain loop.
public struct AdamUpdate: Sendable, Equatable {
    private let average: Float
    private let weightDecay: Float
    private let firstRate: Float
    private let secondDecay: Float
    private let secondRate: Float
    private let stepSize: Float
    private let correction: Float
    private let epsilon: Float

    /// - Parameters:
    ///   - average: 1 / shards.
    ///   - step: t, counted from 1.
    public init(
        average: Float, learningRate: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double,
        step: Int
    ) {
        precondition(step >= 1)
        self.average = average
        self.weightDecay = Float(weightDecay)
        firstRate = Float(1 - beta1)
        secondDecay = Float(beta2)
        secondRate = Float(1 - beta2)
        stepSize = Float(learningRate / (1 - AdamUpdate.power(beta1, step)))
        correction = Float((1 - AdamUpdate.power(beta2, step)).squareRoot())
        self.epsilon = Float(epsilon)
    }

    /// Changes alphas and both moments, `count` floats each, given the gradient summed over the shards.
    @inline(never)
    public func apply(
        gradientSum: UnsafePointer<Float>, alphas: UnsafeMutablePointer<Float>, first: UnsafeMutablePointer<Float>,
        second: UnsafeMutablePointer<Float>, count: Int
    ) {
        precondition(count >= 0)
        for i in 0..<count {
            let g = (gradientSum[i] * average).addingProduct(weightDecay, alphas[i])
            let m = first[i].addingProduct(g - first[i], firstRate)
            let v = (secondDecay * second[i]).addingProduct(secondRate * g, g)
            let d = v.squareRoot() / correction + epsilon
            first[i] = m
            second[i] = v
            alphas[i] = alphas[i].addingProduct(-stepSize, m / d)
        }
    }

    /// xⁿ by squaring, from the lowest bit of n: the same additions of exponents, so the same bits, everywhere.
    static func power(_ x: Double, _ n: Int) -> Double {
        var result = 1.0
        var square = x
        var rest = n
        while rest > 0 {
            if rest & 1 == 1 { result *= square }
            square *= square
            rest >>= 1
        }
        return result
    }
}
