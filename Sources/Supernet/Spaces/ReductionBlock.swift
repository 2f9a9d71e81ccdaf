import Kernels

/// NAS-Bench-201's residual block between stages: twice the channels, half the size.
///
/// out = bn(conv_b(relu(bn(conv_a(relu(x)))))) + conv(averagePool2(x)); conv_a has stride 2.
final class ReductionBlock {
    let range: Range<Int>
    let output: Signal
    private let images: Int
    private let tiles: TileScratch?
    private let input: Signal
    private let convolutionA: ConvolutionLayer
    private let normA: BatchNorm
    private let convolutionB: ConvolutionLayer
    private let normB: BatchNorm
    private let downsample: ConvolutionLayer
    private let outputA: Intermediate
    private let outputB: Intermediate
    /// Gradient of relu(bn(conv_a)), through the rectifier.
    private let dMiddle: BlockedTensor
    /// One image: relu(x), padded; relu(bn(conv_a)), padded; the pooled input.
    private let rectified: BlockedTensor
    private let middle: BlockedTensor
    /// One image: bn(conv_a).
    private let normalized: BlockedTensor
    private let pooled: BlockedTensor
    /// One image, padded, at the output's size.
    private let dy: BlockedTensor
    /// One image at the input's size, and one pooled.
    private let dInput: BlockedTensor
    private let dPooled: BlockedTensor
    private let ones: UnsafePointer<Float>
    /// (2, blocks × 8).
    private let sums: UnsafeMutablePointer<Double>
    private let sumsCount: Int

    /// - Parameters:
    ///   - tiles: of conv_b; nil if it is computed directly.
    ///   - scratch: for each convolution's gradient by weights: conv_a, conv_b, downsample.
    init(
        index: Int, input: Signal, parameters: inout ParameterDirectory, memory: LayerMemory,
        tiles: TileScratch?, scratch: [UnsafeMutablePointer<Float>], running: RunningStatistics? = nil
    ) {
        let arena = memory.arena
        let images = input.images
        let (wide, half) = (2 * input.channels, input.height / 2)
        self.images = images
        self.tiles = tiles
        self.input = input
        let start = parameters.count
        let prefix = "cells.\(index)."
        func convolution(
            _ inputs: Int, _ kernel: Int, _ stride: Int, _ name: String, _ tiles: TileScratch?,
            _ scratch: UnsafeMutablePointer<Float>
        ) -> ConvolutionLayer {
            ConvolutionLayer(
                Convolution(inputChannels: inputs, outputChannels: wide, kernel: kernel, stride: stride),
                named: prefix + name + ".weight", in: &parameters, arena: arena, tiles: tiles,
                scratch: scratch)
        }
        func norm(_ name: String) -> BatchNorm {
            BatchNorm(
                channels: wide, count: images * half * half, named: prefix + name, in: &parameters, arena: arena,
                running: running)
        }
        convolutionA = convolution(input.channels, 3, 2, "conv_a.op.1", nil, scratch[0])
        normA = norm("conv_a.op.2")
        convolutionB = convolution(wide, 3, 1, "conv_b.op.1", tiles, scratch[1])
        normB = norm("conv_b.op.2")
        downsample = convolution(input.channels, 1, 1, "downsample.1", nil, scratch[2])
        range = start..<parameters.count

        let shape = LayerMemory.Shape(images: images, channels: wide, size: half)
        outputA = memory.intermediate(shape, 0...1)
        outputB = memory.intermediate(shape, 1...3)
        output = memory.output(shape)
        dMiddle = memory.backward(shape)
        func tensor(_ channels: Int, _ size: Int, padding: Int = 0) -> BlockedTensor {
            arena.tensor(images: 1, channels: channels, height: size, width: size, padding: padding)
        }
        rectified = tensor(input.channels, input.height, padding: 1)
        middle = tensor(wide, half, padding: 1)
        normalized = tensor(wide, half)
        pooled = tensor(input.channels, half)
        dy = tensor(wide, half, padding: 1)
        dInput = tensor(input.channels, input.height)
        dPooled = tensor(input.channels, half)
        sumsCount = (wide + 7) / 8 * 8
        sums = arena.doubles(2 * sumsCount)
        let ones = arena.floats(sumsCount)
        ones.update(repeating: 1, count: sumsCount)
        self.ones = UnsafePointer(ones)
    }

    /// Multiply-adds of the forward pass of one image.
    var multiplyAdds: Int {
        convolutionA.convolution.multiplyAdds(height: input.height, width: input.width)
            + convolutionB.convolution.multiplyAdds(height: output.height, width: output.width)
            + downsample.convolution.multiplyAdds(height: output.height, width: output.width)
    }

    func load(_ weights: UnsafePointer<Float>) {
        convolutionA.load(weights)
        convolutionB.load(weights)
        downsample.load(weights)
        normA.load(weights)
        normB.load(weights)
    }

    func forward(_ pass: ForwardPass) {
        let (x, a, b, y) = (input[pass], outputA[pass], outputB[pass], output[pass])
        normA.clearSums()
        for image in 0..<images {
            Rectifier.forward(x, image: image, into: rectified, targetImage: 0)
            convolutionA.forward(rectified, images: 1, into: a, first: image, sums: normA.sums)
        }
        normA.finishForward(weight: 1)
        normB.clearSums()
        for image in 0..<images {
            computeMiddle(a, image)
            convolutionB.forward(middle, images: 1, into: b, first: image, sums: normB.sums)
        }
        normB.finishForward(weight: 1)
        var terms = WeightedTerms(b, normB.scale)
        terms.append(y, ones)
        for image in 0..<images {
            AveragePool2.forward(x, image: image, into: pooled, outputImage: 0)
            downsample.forward(pooled, images: 1, into: y, first: image)
            WeightedSum.compute(
                terms, constants: normB.shift, image: image, into: ImageOf(y, image: image))
        }
    }

    private func computeMiddle(_ a: BlockedTensor, _ image: Int) {
        WeightedSum.compute(
            WeightedTerms(a, normA.scale), constants: normA.shift, image: image,
            into: ImageOf(normalized, image: 0), rectified: ImageOf(middle, image: 0))
        tiles?.load(middle, images: 1)
    }

    /// After a training forward pass, takes the output's gradient and leaves the input's.
    ///
    /// - Parameter weightsGradient: the whole flat gradient; nil if not wanted.
    func backward(weightsGradient: UnsafeMutablePointer<Float>?) {
        let wanted = weightsGradient != nil
        let (d, dx, x) = (output.gradient, input.gradient, input.training)
        let (a, b) = (outputA.training, outputB.training)
        if wanted {
            convolutionA.clearWeightsGradient()
            convolutionB.clearWeightsGradient()
            downsample.clearWeightsGradient()
        }
        clearSums()
        for image in 0..<images { ChannelSums.accumulate(d, b, image: image, into: sums) }
        finishSums(normB, weightsGradient)

        clearSums()
        for image in 0..<images {
            computeMiddle(a, image)
            NormGradient.compute(d, image: image, normB.gradient(b, into: dy, targetImage: 0))
            convolutionB.backward(
                middle, dy, images: 1, wantsWeights: wanted, into: dMiddle[image..<image + 1])
            Rectifier.backward(
                dMiddle, dImage: image, x: middle, xImage: 0, into: dMiddle, dxImage: image)
            ChannelSums.accumulate(dMiddle, a, image: image, into: sums)
        }
        finishSums(normA, weightsGradient)

        for image in 0..<images {
            Rectifier.forward(x, image: image, into: rectified, targetImage: 0)
            NormGradient.compute(dMiddle, image: image, normA.gradient(a, into: dy, targetImage: 0))
            convolutionA.backward(rectified, dy, images: 1, wantsWeights: wanted, into: dInput)
            if wanted { AveragePool2.forward(x, image: image, into: pooled, outputImage: 0) }
            downsample.backward(pooled, d, first: image, images: 1, wantsWeights: wanted, into: dPooled)
            Rectifier.backward(dInput, dImage: 0, x: rectified, xImage: 0, into: dx, dxImage: image)
            AveragePool2.addAdjoint(dPooled, image: 0, into: dx, inputImage: image)
        }
        guard let weightsGradient else { return }
        convolutionA.storeWeightsGradient(into: weightsGradient)
        convolutionB.storeWeightsGradient(into: weightsGradient)
        downsample.storeWeightsGradient(into: weightsGradient)
    }

    private func clearSums() { sums.update(repeating: 0, count: 2 * sumsCount) }

    private func finishSums(_ norm: BatchNorm, _ weightsGradient: UnsafeMutablePointer<Float>?) {
        _ = norm.finishBackward(weight: 1, dSum: sums, dySum: sums + sumsCount)
        if let weightsGradient { norm.storeGradient(dSum: sums, into: weightsGradient) }
    }
}
