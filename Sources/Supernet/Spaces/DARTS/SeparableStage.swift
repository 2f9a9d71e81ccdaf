import Kernels

/// A depthwise and a pointwise convolution with a batch norm behind them: a dilated convolution, or one half of a
/// separable one.
final class SeparableStage {
    let norm: OperationNorm
    /// Of the last forward pass, before the batch norm, all images.
    private(set) var output: BlockedTensor
    private let kept: BlockedTensor
    private let lent: BlockedTensor
    private let depthwise: DepthwiseLayer
    private let pointwise: PointwiseLayer
    private let scratch: ShapeScratch

    /// - Parameters:
    ///   - names: of both convolutions' weights, and of the norm.
    ///   - tensor: which of the shape's lent tensors is the output in an evaluation; nil for one of its own.
    init(
        images: Int, size: Int, _ convolution: DepthwiseConvolution, named names: (String, String, String),
        evaluatingInto tensor: Int?, in parameters: inout ParameterDirectory, arena: Arena, store: ScratchStore
    ) {
        let channels = convolution.channels
        let outputSize = convolution.outputSize(size)
        scratch = store.scratch(channels: channels, size: outputSize)
        depthwise = DepthwiseLayer(convolution, named: names.0, in: &parameters, arena: arena)
        pointwise = PointwiseLayer(
            outputs: channels, pieces: [channels], named: names.1, in: &parameters, arena: arena)
        norm = store.norm(
            channels: channels, count: images * outputSize * outputSize, named: names.2, in: &parameters)
        kept = arena.tensor(
            images: images, channels: channels, height: outputSize, width: outputSize, during: ShapeScratch.always)
        lent = tensor.map(scratch.lent) ?? kept
        output = kept
    }

    /// Says what the next forward pass is for.
    func begin(_ pass: ForwardPass) { output = pass == .training ? kept : lent }

    var multiplyAdds: Int {
        output.pixels * depthwise.convolution.weightCount + pointwise.multiplyAdds(pixels: output.pixels)
    }

    func load(_ weights: UnsafePointer<Float>) {
        depthwise.load(weights)
        pointwise.load(weights)
        norm.load(weights)
    }

    /// Computes one image of the output and adds to the norm's sums.
    ///
    /// - Parameter x: rectified, padded.
    func forward(_ x: BlockedTensor, _ xImage: Int, image: Int) {
        depthwise.forward(x, xImage, into: scratch.depthwise, 0, ahead: scratch.ahead)
        pointwise.forward(
            [scratch.depthwise.longRows], 0,
            into: output.part(image: image, firstBlock: 0, channels: output.channels).longRows, sums: norm.sums,
            ahead: scratch.ahead)
    }

    func clearWeightsGradient() {
        depthwise.clearWeightsGradient()
        pointwise.clearWeightsGradient()
    }

    func storeWeightsGradient(into flat: UnsafeMutablePointer<Float>) {
        depthwise.storeWeightsGradient(into: flat)
        pointwise.storeWeightsGradient(into: flat)
        norm.storeGradient(into: flat)
    }

    /// One image, from the gradient of the output in `scratch.gradient`. What lies between the convolutions is computed
    /// again rather than kept: it costs less than its way through the memory.
    func backward(
        x: BlockedTensor, _ xImage: Int, wantsWeights: Bool, into dx: BlockedTensor, _ dxImage: Int, accumulate: Bool
    ) {
        let dy = scratch.gradient
        if wantsWeights {
            depthwise.forward(x, xImage, into: scratch.depthwise, 0, ahead: scratch.ahead)
            pointwise.addWeightsGradient([scratch.depthwise.longRows], 0, dy.longRows)
        }
        pointwise.backward(dy, piece: 0, into: scratch.paddedGradient, 0, accumulate: false, ahead: scratch.ahead)
        if wantsWeights { depthwise.addWeightsGradient(x, xImage, scratch.paddedGradient, 0) }
        depthwise.backward(scratch.paddedGradient, 0, into: dx, dxImage, accumulate: accumulate, ahead: scratch.ahead)
    }
}
