import Kernels

/// The unrolled update of the alphas, of second order: Liu, Simonyan, Yang, *DARTS*, ICLR 2019, equations 7 and 8, with the
/// constants of quark0/darts. With ξ the weights' learning rate and m their momentum,
///
///     w′ = w − ξ (μ m + ∇_w L_train(w, α) + decay w)
///     ∇_α = ∇_α L_val(w′, α) − ξ (∇_α L_train(w + εv, α) − ∇_α L_train(w − εv, α)) / 2ε
///     v = ∇_w′ L_val(w′, α),    ε = 0.01 / ‖v‖
///
/// Each of its four gradients is a half-step of its own (`HalfStep.Part`), so that workers sum it as any other. Between them the
/// state's weights are those at which the next one is taken.
extension TrainingArithmetic {
    /// Takes the gradient by the weights on the training batch, and moves them to w′. Neither clipped nor Nesterov's.
    ///
    /// - Returns: the norm of the averaged gradient, or nil when it is not finite; the state is then unchanged.
    public func lookAhead(
        of state: inout TrainingState, gradientSum: UnsafeBufferPointer<Float>, learningRate: Double
    ) -> Double? {
        precondition(gradientSum.count == state.weights.count && state.lookAhead == nil)
        guard let norm = norm(gradientSum), let gradient = gradientSum.baseAddress else { return nil }
        state.lookAhead = LookAhead(weights: state.weights, alphas: state.alphas.count)
        var momentum = state.momentum
        SGDUpdate(
            average: 1 / Float(shards), clip: 1, weightDecay: Float(weights.weightDecay),
            momentum: Float(weights.momentum), nesterov: false, learningRate: Float(learningRate)
        ).apply(gradientSum: gradient, weights: &state.weights, momentum: &momentum, count: state.weights.count)
        return norm
    }

    /// Takes both gradients on the validation batch at w′, and moves the weights to w + εv.
    ///
    /// - Parameter gradientSum: by the alphas, then by the weights.
    public func takeAhead(of state: inout TrainingState, gradientSum: UnsafeBufferPointer<Float>) -> Double? {
        guard var ahead = state.lookAhead else { preconditionFailure("no look ahead") }
        precondition(gradientSum.count == state.alphas.count + state.weights.count)
        guard let norm = norm(gradientSum) else { return nil }
        let average = 1 / Float(shards)
        ahead.alphas = gradientSum[..<state.alphas.count].map { $0 * average }
        ahead.direction = gradientSum[state.alphas.count...].map { $0 * average }
        state.weights = displaced(ahead, by: epsilon(ahead))
        state.lookAhead = ahead
        return norm
    }

    /// Takes the gradient by the alphas on the training batch at w + εv, and moves the weights to w − εv.
    public func takeAbove(of state: inout TrainingState, gradientSum: UnsafeBufferPointer<Float>) -> Double? {
        guard var ahead = state.lookAhead else { preconditionFailure("no look ahead") }
        precondition(gradientSum.count == state.alphas.count)
        guard let norm = norm(gradientSum) else { return nil }
        let average = 1 / Float(shards)
        ahead.above = gradientSum.map { $0 * average }
        state.weights = displaced(ahead, by: -epsilon(ahead))
        state.lookAhead = ahead
        return norm
    }

    /// Takes the gradient by the alphas on the training batch at w − εv, steps the alphas, and brings the weights back to w.
    ///
    /// - Parameters:
    ///   - learningRate: ξ.
    ///   - step: updates of the alphas so far, plus 1.
    /// - Returns: the norm of the gradient of second order; nil as above.
    public func finishAhead(
        of state: inout TrainingState, gradientSum: UnsafeBufferPointer<Float>, learningRate: Double, step: Int
    ) -> Double? {
        guard let ahead = state.lookAhead else { preconditionFailure("no look ahead") }
        precondition(gradientSum.count == state.alphas.count)
        guard norm(gradientSum) != nil else { return nil }
        let average = 1 / Double(shards)
        let epsilon = Double(epsilon(ahead))
        let gradient = gradientSum.indices.map { i in
            let difference = Double(ahead.above[i]) - average * Double(gradientSum[i])
            let implicit = epsilon > 0 ? difference / (2 * epsilon) : 0
            return Float(Double(ahead.alphas[i]) - learningRate * implicit)
        }
        // Adam takes sums over shards.
        let sum = gradient.map { $0 * Float(shards) }
        guard let norm = sum.withUnsafeBufferPointer({ stepAlphas(of: &state, gradientSum: $0, step: step) }) else {
            return nil
        }
        endLookAhead(of: &state)
        return norm
    }

    /// Brings the weights back to w, whatever was known.
    public func endLookAhead(of state: inout TrainingState) {
        guard let ahead = state.lookAhead else { return }
        state.weights = ahead.weights
        state.lookAhead = nil
    }

    /// Of the averaged gradient; nil when it is not finite.
    private func norm(_ gradientSum: UnsafeBufferPointer<Float>) -> Double? {
        guard let gradient = gradientSum.baseAddress else { return 0 }
        let squares = GradientChunks.sumOfSquares(gradient, count: gradientSum.count)
        return squares.isFinite ? squares.squareRoot() / Double(shards) : nil
    }

    /// 0 where v is 0: the weights do not matter there.
    private func epsilon(_ ahead: LookAhead) -> Float {
        let squares = ahead.direction.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.map { GradientChunks.sumOfSquares($0, count: buffer.count) } ?? 0
        }
        return squares > 0 ? Float(0.01 / squares.squareRoot()) : 0
    }

    /// w + factor × v.
    private func displaced(_ ahead: LookAhead, by factor: Float) -> [Float] {
        var result = ahead.weights
        VectorAddition.add(ahead.direction, times: factor, to: &result, count: result.count)
        return result
    }
}
