/// One step of stochastic gradient descent with momentum, as `torch.optim.SGD` after `clip_grad_norm_`.
///
/// For each element, in this order, each line rounded once to `Float` (`fma` is a fused multiply-add):
///
///     g = sum × average              exact, since average is a power of two
///     g = g × clip                   min(1, limit / (norm + 1e-6)), computed by the caller
///     g = fma(weightDecay, w, g)
///     m = fma(momentum, m, g)        m starts at 0, so that the first m is g
///     d = fma(momentum, m, g)        with Nesterov; d = m without
///     w = fma(-learningRate, d, w)
public struct SGDUpdate: Sendable, Equatable {
    /// 1 / shards.
    public var average: Float
    /// The factor that clipping gives, in 0 ... 1.
    public var clip: Float
    /// Times the weight, added to the gradient.
    public var weightDecay: Float
    /// Share of the old momentum that is kept.
    public var momentum: Float
    /// Whether the step looks ahead along the momentum.
    public var nesterov: Bool
    /// Times the direction, taken from the weight.
    public var learningRate: Float

    /// The constants of one step.
    public init(
        average: Float, clip: Float, weightDecay: Float, momentum: Float, nesterov: Bool, learningRate: Float
    ) {
        self.average = average
        self.clip = clip
        self.weightDecay = weightDecay
        self.momentum = momentum
        self.nesterov = nesterov
        self.learningRate = learningRate
    }

    /// Changes weights and momentum, `count` floats each, given the gradient summed over the shards.
    @inline(never)
    public func apply(
        gradientSum: UnsafePointer<Float>, weights: UnsafeMutablePointer<Float>,
        momentum buffer: UnsafeMutablePointer<Float>, count: Int
    ) {
        Profile.enter("SGD", .update, floats: 5 * count)
        defer { Profile.leave() }
        precondition(count >= 0)
        let source = UnsafeRawPointer(gradientSum)
        let weightBytes = UnsafeMutableRawPointer(weights)
        let bufferBytes = UnsafeMutableRawPointer(buffer)
        let decayLanes = SIMD8<Float>(repeating: weightDecay)
        let momentumLanes = SIMD8<Float>(repeating: momentum)
        let rateLanes = SIMD8<Float>(repeating: -learningRate)
        let vectors = count & ~7
        var i = 0
        while i < vectors {
            let offset = i &* 4
            let w = weightBytes.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self)
            var m = bufferBytes.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self)
            var g = source.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self) * average
            g = g * clip
            g = g.addingProduct(decayLanes, w)
            m = g.addingProduct(momentumLanes, m)
            let d = nesterov ? g.addingProduct(momentumLanes, m) : m
            bufferBytes.storeBytes(of: m, toByteOffset: offset, as: SIMD8<Float>.self)
            weightBytes.storeBytes(of: w.addingProduct(rateLanes, d), toByteOffset: offset, as: SIMD8<Float>.self)
            i &+= 8
        }
        while i < count {
            var g = gradientSum[i] * average
            g = g * clip
            g = g.addingProduct(weightDecay, weights[i])
            let m = g.addingProduct(momentum, buffer[i])
            let d = nesterov ? g.addingProduct(momentum, m) : m
            buffer[i] = m
            weights[i] = weights[i].addingProduct(-learningRate, d)
            i &+= 1
        }
    }
}
