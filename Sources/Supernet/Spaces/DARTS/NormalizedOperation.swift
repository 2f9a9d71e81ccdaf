import Kernels

/// What ends in a batch norm and reads rectified nodes.
protocol NormalizedOperation: AnyObject {
    /// Of the last forward pass, before the batch norm, all images.
    var output: BlockedTensor { get }
    var norm: OperationNorm { get }
    /// Of the forward pass of one image.
    var multiplyAdds: Int { get }

    func load(_ weights: UnsafePointer<Float>)

    /// Computes `output` and the norm's statistics. After an evaluation `output` holds until other edges are computed.
    func forward(_ pass: ForwardPass)

    /// After `norm.prepareBackward`.
    ///
    /// - Parameters:
    ///   - d: gradient of what the norm is part of.
    ///   - wantsInput: whether the gradients of the nodes read are wanted.
    ///   - weightsGradient: the whole flat gradient; nil if not wanted.
    func backward(_ d: BlockedTensor, wantsInput: Bool, weightsGradient: UnsafeMutablePointer<Float>?)
}

extension NormalizedOperation {
    /// The gradient of one image of `output` into image 0 of `target`.
    func outputGradient(_ d: BlockedTensor, _ image: Int, into target: BlockedTensor) {
        norm.gradient(d, of: output, image, into: target)
    }
}
