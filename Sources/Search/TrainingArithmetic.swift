import Kernels

/// What a half-step does to the state, once the gradient is summed over all shards.
public struct TrainingArithmetic: Sendable {
    /// How the weights are stepped.
    public let weights: WeightsOptimizer
    /// How the alphas are stepped.
    public let alphas: AlphasOptimizer
    /// S: sums are scaled by 1 / S.
    public let shards: Int
    /// So many of the weights are running statistics, the last ones.
    public let statistics: Int

    /// The rules of a configuration.
    public init(weights: WeightsOptimizer, alphas: AlphasOptimizer, shards: Int, statistics: Int = 0) {
        self.weights = weights
        self.alphas = alphas
        self.shards = shards
        self.statistics = statistics
    }

    /// Steps the weights by SGD, with the averaged gradient clipped to `weights.clip`. Running statistics, in whose places
    /// the gradient has what the shards measured, go a tenth of the way to the mean over shards instead.
    ///
    /// - Returns: the norm of the averaged gradient before clipping, or nil when it is not finite, or what was measured is
    ///   not; the state is then unchanged.
    public func stepWeights(
        of state: inout TrainingState, gradientSum: UnsafeBufferPointer<Float>, learningRate: Double
    ) -> Double? {
        precondition(gradientSum.count == state.weights.count)
        guard let gradient = gradientSum.baseAddress else { return 0 }
        let trained = gradientSum.count - statistics
        let squares = GradientChunks.sumOfSquares(gradient, count: trained)
        guard squares.isFinite, GradientChunks.sumOfSquares(gradient + trained, count: statistics).isFinite else {
            return nil
        }
        let norm = squares.squareRoot() / Double(shards)
        let clip = weights.clip > 0 ? min(1, weights.clip / (norm + 1e-6)) : 1
        let update = SGDUpdate(
            average: 1 / Float(shards), clip: Float(clip),
            weightDecay: Float(weights.weightDecay), momentum: Float(weights.momentum), nesterov: weights.nesterov,
            learningRate: Float(learningRate))
        state.weights.withUnsafeMutableBufferPointer { weights in
            state.momentum.withUnsafeMutableBufferPointer { momentum in
                guard let weights = weights.baseAddress, let momentum = momentum.baseAddress else { return }
                update.apply(gradientSum: gradient, weights: weights, momentum: momentum, count: trained)
                RunningAverage.update(
                    sum: gradient + trained, average: 1 / Float(shards), running: weights + trained, count: statistics)
            }
        }
        return norm
    }

    /// Steps the alphas by Adam.
    ///
    /// - Parameter step: updates of the alphas so far, plus 1.
    /// - Returns: the norm of the averaged gradient, or nil when it is not finite; the state is then unchanged.
    public func stepAlphas(
        of state: inout TrainingState, gradientSum: UnsafeBufferPointer<Float>, step: Int
    ) -> Double? {
        precondition(gradientSum.count == state.alphas.count)
        guard let gradient = gradientSum.baseAddress else { return 0 }
        let squares = GradientChunks.sumOfSquares(gradient, count: gradientSum.count)
        guard squares.isFinite else { return nil }
        let update = AdamUpdate(
            average: 1 / Float(shards), learningRate: alphas.learningRate, beta1: alphas.beta1, beta2: alphas.beta2,
            epsilon: alphas.epsilon, weightDecay: alphas.weightDecay, step: step)
        state.alphas.withUnsafeMutableBufferPointer { alphas in
            state.adamFirst.withUnsafeMutableBufferPointer { first in
                state.adamSecond.withUnsafeMutableBufferPointer { second in
                    guard let alphas = alphas.baseAddress, let first = first.baseAddress,
                        let second = second.baseAddress
                    else { return }
                    update.apply(
                        gradientSum: gradient, alphas: alphas, first: first, second: second, count: gradientSum.count)
                }
            }
        }
        return squares.squareRoot() / Double(shards)
    }
}
