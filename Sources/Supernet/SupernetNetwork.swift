/// What computes the supernets of one space. Owned and called by one thread.
protocol SupernetNetwork: AnyObject {
    var parameters: ParameterDirectory { get }
    /// Bytes of activations, gradients and packed weights.
    var bytes: Int { get }
    /// (images, classes), of the last forward pass.
    var logits: UnsafeMutablePointer<Float> { get }
    /// What the operation `noise` draws.
    var noise: NoiseDraws { get set }

    /// Multiply-adds of convolutions and classifier for one image, all edges mixed.
    func multiplyAdds(_ pass: Supernet.Pass) -> Int

    func load(weights: UnsafePointer<Float>)

    /// - Parameter mixture: the weight of each operation on each edge of the space, (edges, operations); in an evaluation, 0
    ///   means not computed.
    /// - Returns: the cross-entropy summed over images, and correct predictions.
    func forward(
        images: UnsafePointer<Float>, labels: UnsafePointer<UInt8>, mixture: UnsafePointer<Double>, _ pass: ForwardPass
    ) -> (loss: Double, correct: Int)

    /// After a training forward pass of the mixtures `betas`. At least one of the two gradients, of the mean cross-entropy, is wanted.
    ///
    /// - Parameters:
    ///   - weightsGradient: overwritten, in the order of `parameters`.
    ///   - betaGradient: (edges, operations), added to.
    ///   - ready: called with falling ranges of the weights gradient that are final.
    func backward(
        _ betas: UnsafePointer<Double>, weightsGradient: UnsafeMutablePointer<Float>?,
        betaGradient: UnsafeMutablePointer<Double>?, ready: (Range<Int>) -> Void
    )
}

extension NASBench201Network: SupernetNetwork {
    var logits: UnsafeMutablePointer<Float> { head.logits }

    /// There is none in this space.
    var noise: NoiseDraws {
        get { NoiseDraws() }
        set {}
    }
}
