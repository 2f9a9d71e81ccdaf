import Kernels

/// NAS-Bench-201's residual block between stages: twice the channels, half the size.
///
/// out = bn(conv_b(relu(bn(conv_a(relu(x)))))) + conv(averagePool2(x)); conv_a has stride 2.
final class ReductionBlock {
    let range: Range<Int>
    let output: BlockedTensor
    private let images: Int
    private let input: BlockedTensor
    private let convolutionA: ConvolutionLayer
    private let normA: BatchNorm
    private let convolutionB: ConvolutionLayer
    private let normB: BatchNorm
    private let downsample: ConvolutionLayer
    private let rectifiedInput: BlockedTensor
    private let outputA: BlockedTensor
    /// relu(bn(conv_a)), padded.
    private let middle: BlockedTensor
    private let outputB: BlockedTensor
    private let pooled: BlockedTensor
    private let dMiddle: BlockedTensor
    /// One image, padded, at the output's size; and spread to the input's size.
    private let dy: BlockedTensor
    private let spread: BlockedTensor
    /// One image at the input's size, and one pooled.
    private let dInput: BlockedTensor
    private let dPooled: BlockedTensor
    private let sums: UnsafeMutablePointer<Double>
    private let sumsCount: Int

    init(
        index: Int, input: BlockedTensor, parameters: inout ParameterDirectory, arena: Arena,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let images = input.images
        let (wide, half) = (2 * input.channels, input.height / 2)
        self.images = images
        self.input = input
        let start = parameters.count
        let prefix = "cells.\(index)."
        func convolution(_ inputs: Int, _ kernel: Int, _ stride: Int, _ name: String) -> ConvolutionLayer {
            ConvolutionLayer(
                Convolution(inputChannels: inputs, outputChannels: wide, kernel: kernel, stride: stride),
                named: prefix + name + ".weight", in: &parameters, arena: arena, scratch: scratch)
        }
        func norm(_ name: String) -> BatchNorm {
            BatchNorm(
                channels: wide, count: images * half * half, named: prefix + name, in: &parameters, arena: arena)
        }
        convolutionA = convolution(input.channels, 3, 2, "conv_a.op.1")
        normA = norm("conv_a.op.2")
        convolutionB = convolution(wide, 3, 1, "conv_b.op.1")
        normB = norm("conv_b.op.2")
        downsample = convolution(input.channels, 1, 1, "downsample.1")
        range = start..<parameters.count

        func tensor(_ images: Int, _ channels: Int, _ size: Int, padding: Int = 0) -> BlockedTensor {
            arena.tensor(images: images, channels: channels, height: size, width: size, padding: padding)
        }
        rectifiedInput = tensor(images, input.channels, input.height, padding: 1)
        outputA = tensor(images, wide, half)
        middle = tensor(images, wide, half, padding: 1)
        outputB = tensor(images, wide, half)
        pooled = tensor(images, input.channels, half)
        output = tensor(images, wide, half)
        dMiddle = tensor(images, wide, half)
        dy = tensor(1, wide, half, padding: 1)
        spread = tensor(1, wide, input.height, padding: 1)
        dInput = tensor(1, input.channels, input.height)
        dPooled = tensor(1, input.channels, half)
        sumsCount = (wide + 7) / 8 * 8
        sums = arena.doubles(2 * sumsCount)
    }

    /// Multiply-adds of the forward pass of one image.
    var multiplyAdds: Int {
        convolutionA.convolution.multiplyAdds(height: input.height, width: input.width)
            + convolutionB.convolution.multiplyAdds(height: output.height, width: output.width)
            + downsample.convolution.multiplyAdds(height: output.height, width: output.width)
    }

    func load(_ weights: UnsafePointer<Float>) {
        for layer in [convolutionA, convolutionB, downsample] { layer.load(weights) }
        normA.load(weights)
        normB.load(weights)
    }

    func forward() {
        normA.clearSums()
        for image in 0..<images {
            Rectifier.forward(input, image: image, into: rectifiedInput, targetImage: image)
            convolutionA.forward(rectifiedInput, image, into: outputA, sums: normA.sums)
        }
        normA.finishForward(weight: 1)
        normB.clearSums()
        for image in 0..<images {
            WeightedSum.compute(
                [WeightedTerm(outputA, UnsafePointer(normA.a))], constants: UnsafePointer(normA.constants),
                image: image, into: middle, targetImage: image, accumulate: false)
            Rectifier.forward(middle, image: image, into: middle, targetImage: image)
            convolutionB.forward(middle, image, into: outputB, sums: normB.sums)
        }
        normB.finishForward(weight: 1)
        for image in 0..<images {
            AveragePool2.forward(input, image: image, into: pooled, outputImage: image)
            downsample.forward(pooled, image, into: output)
            WeightedSum.compute(
                [WeightedTerm(outputB, UnsafePointer(normB.a))], constants: UnsafePointer(normB.constants),
                image: image, into: output, targetImage: image, accumulate: true)
        }
    }

    /// - Parameters:
    ///   - d: gradient of the output. - dx: receives that of the input.
    ///   - weightsGradient: the whole flat gradient; nil if not wanted.
    func backward(_ d: BlockedTensor, into dx: BlockedTensor, weightsGradient: UnsafeMutablePointer<Float>?) {
        let wanted = weightsGradient != nil
        backwardNorm(normB, d, outputB, weightsGradient)
        if wanted { convolutionB.clearWeightsGradient() }
        for image in 0..<images {
            inputGradient(of: normB, d, outputB, image)
            if wanted { convolutionB.addWeightsGradient(middle, image, dy, 0) }
            convolutionB.backward(dy, 0, into: dMiddle, image, accumulate: false)
            Rectifier.backward(
                dMiddle, dImage: image, x: middle, xImage: image, into: dMiddle, dxImage: image, accumulate: false)
        }
        if let weightsGradient { convolutionB.storeWeightsGradient(into: weightsGradient) }

        backwardNorm(normA, dMiddle, outputA, weightsGradient)
        if wanted { convolutionA.clearWeightsGradient() }
        for image in 0..<images {
            inputGradient(of: normA, dMiddle, outputA, image)
            if wanted { convolutionA.addWeightsGradient(rectifiedInput, image, dy, 0) }
            convolutionA.convolution.spread(dy, image: 0, into: spread, spreadImage: 0)
            convolutionA.backward(spread, 0, into: dInput, 0, accumulate: false)
            Rectifier.backward(
                dInput, dImage: 0, x: input, xImage: image, into: dx, dxImage: image, accumulate: false)
            downsample.backward(d, image, into: dPooled, 0, accumulate: false)
            AveragePool2.addAdjoint(dPooled, image: 0, into: dx, inputImage: image)
        }
        guard let weightsGradient else { return }
        convolutionA.storeWeightsGradient(into: weightsGradient)
        downsample.clearWeightsGradient()
        for image in 0..<images { downsample.addWeightsGradient(pooled, image, d, image) }
        downsample.storeWeightsGradient(into: weightsGradient)
    }

    private func backwardNorm(
        _ norm: BatchNorm, _ d: BlockedTensor, _ y: BlockedTensor, _ weightsGradient: UnsafeMutablePointer<Float>?
    ) {
        sums.update(repeating: 0, count: 2 * sumsCount)
        for image in 0..<images { ChannelSums.accumulate(d, [y], image: image, into: sums) }
        _ = norm.finishBackward(weight: 1, dSum: sums, dySum: sums + sumsCount)
        if let weightsGradient { norm.storeGradient(dSum: sums, into: weightsGradient) }
    }

    /// dy = a d + b y + c for one image.
    private func inputGradient(of norm: BatchNorm, _ d: BlockedTensor, _ y: BlockedTensor, _ image: Int) {
        WeightedSum.compute(
            [WeightedTerm(d, UnsafePointer(norm.a)), WeightedTerm(y, UnsafePointer(norm.b))],
            constants: UnsafePointer(norm.constants), image: image, into: dy, targetImage: 0, accumulate: false)
    }
}
