import Kernels

/// A dilated convolution (one stage), or a separable convolution (two, with a rectifier between them).
final class SeparableOperation: NormalizedOperation {
    private let source: CellNode
    private let stages: [SeparableStage]
    private let scratch: ShapeScratch
    /// Gradient between the stages, where there are two.
    private let inner: BlockedTensor?

    /// - Parameters:
    ///   - stride: of the first stage.
    ///   - isSeparable: two stages, without dilation; otherwise one, dilated by 2.
    ///   - prefix: of the weights' names, for example `cells.0._ops.3._ops.4.op.`.
    ///   - place: among those of its edge, which have gradients between their stages at the same time, and outputs in an
    ///     evaluation: those are in the shape's lent tensor of this number, the first stage's before the last one's. nil
    ///     where evaluations keep what they compute, too.
    init(
        source: CellNode, kernel: Int, isSeparable: Bool, stride: Int, prefix: String, place: Int? = nil,
        in parameters: inout ParameterDirectory, arena: Arena, store: ScratchStore
    ) {
        self.source = source
        let channels = source.value.channels
        let size = source.value.height
        func stage(
            _ size: Int, stride: Int, _ first: Int, _ parameters: inout ParameterDirectory
        ) -> SeparableStage {
            SeparableStage(
                images: source.images, size: size,
                DepthwiseConvolution(
                    channels: channels, kernel: kernel, dilation: isSeparable ? 1 : 2, stride: stride),
                named: ("\(prefix)\(first).weight", "\(prefix)\(first + 1).weight", "\(prefix)\(first + 2)"),
                evaluatingInto: place, in: &parameters, arena: arena, store: store)
        }
        let first = stage(size, stride: stride, 1, &parameters)
        stages =
            isSeparable
            ? [first, stage(first.output.height, stride: 1, 5, &parameters)] : [first]
        scratch = store.scratch(channels: channels, size: first.output.height)
        inner = isSeparable ? scratch.inner(place ?? 0) : nil
    }

    private var last: SeparableStage { stages[stages.count - 1] }
    var output: BlockedTensor { last.output }
    var norm: OperationNorm { last.norm }
    var multiplyAdds: Int { stages.reduce(0) { $0 + $1.multiplyAdds } }

    func load(_ weights: UnsafePointer<Float>) {
        for stage in stages { stage.load(weights) }
    }

    func forward(_ pass: ForwardPass) { SeparableOperation.forward([self], pass) }

    /// Operations of one edge: image by image, so that all of them read it while it is in the cache.
    static func forward(_ operations: [SeparableOperation], _ pass: ForwardPass) {
        guard let first = operations.first else { return }
        let (source, ahead) = (first.source, first.scratch.ahead)
        for operation in operations {
            for stage in operation.stages { stage.begin(pass) }
            operation.stages[0].norm.clearSums()
        }
        for image in 0..<source.images {
            ahead.restart()
            ahead.add(source.rectified, image: image + 1)
            for operation in operations { operation.stages[0].forward(source.rectified, image, image: image) }
        }
        for operation in operations {
            operation.stages[0].norm.takeStatistics()
            if operation.stages.count == 2 { operation.forwardLast() }
        }
    }

    private func forwardLast() {
        stages[0].norm.prepareForward()
        last.norm.clearSums()
        for image in 0..<source.images {
            rectifyMiddle(image)
            scratch.ahead.restart()
            scratch.ahead.add(stages[0].output, image: image + 1)
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
        SeparableOperation.backward([self], d, wantsInput: wantsInput, weightsGradient: weightsGradient)
    }

    /// Operations of one edge, after their norms' `prepareBackward`: image by image, as far as they share what they read
    /// and write.
    static func backward(
        _ operations: [SeparableOperation], _ d: BlockedTensor, wantsInput: Bool,
        weightsGradient: UnsafeMutablePointer<Float>?
    ) {
        guard let firstOperation = operations.first, wantsInput || weightsGradient != nil else { return }
        let (source, ahead) = (firstOperation.source, firstOperation.scratch.ahead)
        let wantsWeights = weightsGradient != nil
        for operation in operations {
            if wantsWeights { for stage in operation.stages { stage.clearWeightsGradient() } }
            if let inner = operation.inner { operation.backwardLast(d, wantsWeights: wantsWeights, into: inner) }
        }
        for image in 0..<source.images {
            for (number, operation) in operations.enumerated() {
                let first = operation.stages[0]
                // What is read for the operation after this one, or for the next image's first one.
                let isLast = number + 1 == operations.count
                let following = operations[isLast ? 0 : number + 1]
                ahead.restart()
                if let inner = following.inner {
                    ahead.add(inner, image: isLast ? image + 1 : image)
                } else if isLast {
                    ahead.add(d, image: image + 1)
                }
                ahead.add(following.stages[0].output, image: isLast ? image + 1 : image)
                first.norm.gradient(operation.inner ?? d, of: first.output, image, into: operation.scratch.gradient)
                first.backward(
                    x: source.rectified, image, wantsWeights: wantsWeights, into: source.rectifiedGradient, image,
                    accumulate: source.hasGradient || number > 0)
            }
        }
        source.hasGradient = true
        guard let weightsGradient else { return }
        for operation in operations {
            for stage in operation.stages { stage.storeWeightsGradient(into: weightsGradient) }
        }
    }

    /// From the gradient of the operation to that of the first stage's normalised output; prepares the first norm.
    private func backwardLast(_ d: BlockedTensor, wantsWeights: Bool, into inner: BlockedTensor) {
        let sums = scratch.clearedSums()
        for image in 0..<source.images {
            if wantsWeights { rectifyMiddle(image) }
            outputGradient(d, image, into: scratch.gradient)
            scratch.ahead.restart()
            scratch.ahead.add(d, image: image + 1)
            scratch.ahead.add(stages[0].output, image: image + 1)
            scratch.ahead.add(last.output, image: image + 1)
            last.backward(
                x: scratch.paddedInput, 0, wantsWeights: wantsWeights, into: inner, image, accumulate: false)
            NormalizedRectifier.backward(
                inner, y: stages[0].output, image: image, coefficients: stages[0].norm.a,
                constants: stages[0].norm.constants, sums: sums)
        }
        stages[0].norm.prepareBackward(weight: 1, dSum: sums, dySum: sums + scratch.padded)
    }
}
