import Kernels

/// A dilated convolution (one stage), or a separable convolution (two, with a rectifier between them).
final class SeparableOperation: NormalizedOperation {
    private let source: CellNode
    private let stages: [SeparableStage]
    private let scratch: ShapeScratch

    /// - Parameters:
    ///   - stride: of the first stage.
    ///   - isSeparable: two stages, without dilation; otherwise one, dilated by 2.
    ///   - prefix: of the weights' names, for example `cells.0._ops.3._ops.4.op.`.
    init(
        source: CellNode, kernel: Int, isSeparable: Bool, stride: Int, prefix: String,
        in parameters: inout ParameterDirectory, arena: Arena, store: ScratchStore
    ) {
        self.source = source
        let channels = source.value.channels
        let size = source.value.height
        func stage(_ size: Int, stride: Int, _ first: Int, _ parameters: inout ParameterDirectory) -> SeparableStage {
            SeparableStage(
                images: source.images, size: size,
                DepthwiseConvolution(
                    channels: channels, kernel: kernel, dilation: isSeparable ? 1 : 2, stride: stride),
                named: ("\(prefix)\(first).weight", "\(prefix)\(first + 1).weight", "\(prefix)\(first + 2)"),
                in: &parameters, arena: arena, store: store)
        }
        let first = stage(size, stride: stride, 1, &parameters)
        stages = isSeparable ? [first, stage(first.output.height, stride: 1, 5, &parameters)] : [first]
        scratch = store.scratch(channels: channels, size: first.output.height)
    }

    private var last: SeparableStage { stages[stages.count - 1] }
    var output: BlockedTensor { last.output }
    var norm: OperationNorm { last.norm }
    var multiplyAdds: Int { stages.reduce(0) { $0 + $1.multiplyAdds } }

    func load(_ weights: UnsafePointer<Float>) {
        for stage in stages { stage.load(weights) }
    }

    func forward() {
        let first = stages[0]
        first.norm.clearSums()
        for image in 0..<source.images { first.forward(source.rectified, image, image: image) }
        first.norm.takeStatistics()
        guard stages.count == 2 else { return }
        first.norm.prepareForward()
        last.norm.clearSums()
        for image in 0..<source.images {
            rectifyMiddle(image)
            last.forward(scratch.paddedInput, 0, image: image)
        }
        last.norm.takeStatistics()
    }

    /// The second stage's input, one image.
    private func rectifyMiddle(_ image: Int) {
        NormalizedRectifier.forward(
            stages[0].output, image: image, coefficients: stages[0].norm.a, constants: stages[0].norm.constants,
            into: scratch.paddedInput, outputImage: 0)
    }

    func backward(_ d: BlockedTensor, wantsInput: Bool, weightsGradient: UnsafeMutablePointer<Float>?) {
        guard wantsInput || weightsGradient != nil else { return }
        let wantsWeights = weightsGradient != nil
        if wantsWeights { for stage in stages { stage.clearWeightsGradient() } }
        var gradient = d
        if stages.count == 2 {
            backwardLast(d, wantsWeights: wantsWeights)
            gradient = scratch.inner
        }
        for image in 0..<source.images {
            stages[0].norm.gradient(gradient, of: stages[0].output, image, into: scratch.gradient)
            stages[0].backward(
                x: source.rectified, image, wantsWeights: wantsWeights, into: source.rectifiedGradient, image,
                accumulate: source.hasGradient)
        }
        source.hasGradient = true
        if let weightsGradient { for stage in stages { stage.storeWeightsGradient(into: weightsGradient) } }
    }

    /// From the gradient of the operation to that of the first stage's normalised output, in `scratch.inner`; prepares
    /// the first norm.
    private func backwardLast(_ d: BlockedTensor, wantsWeights: Bool) {
        let sums = scratch.clearedSums()
        for image in 0..<source.images {
            outputGradient(d, image, into: scratch.gradient)
            rectifyMiddle(image)
            last.backward(
                x: scratch.paddedInput, 0, wantsWeights: wantsWeights, into: scratch.inner, image, accumulate: false)
            NormalizedRectifier.backward(
                scratch.inner, z: scratch.paddedInput, outputImage: 0, y: stages[0].output, image: image, sums: sums)
        }
        stages[0].norm.prepareBackward(weight: 1, dSum: sums, dySum: sums + scratch.padded)
    }
}
