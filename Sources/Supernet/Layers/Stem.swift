import Kernels

/// Convolution 3×3 from the images and an affine batch norm.
final class Stem {
    let range: Range<Int>
    let output: Signal
    private let images: BlockedTensor
    private let convolution: ConvolutionLayer
    private let norm: BatchNorm
    /// The convolution's output.
    private let y: Intermediate
    /// One image.
    private let dy: BlockedTensor
    /// (2, blocks × 8).
    private let sums: UnsafeMutablePointer<Double>
    private let sumsCount: Int

    init(
        images count: Int, inputChannels: Int, channels: Int, size: Int, parameters: inout ParameterDirectory,
        memory: LayerMemory, running: RunningStatistics? = nil
    ) {
        let arena = memory.arena
        let start = parameters.count
        images = arena.tensor(images: count, channels: inputChannels, height: size, width: size, padding: 1)
        let convolution = Convolution(inputChannels: inputChannels, outputChannels: channels, kernel: 3)
        self.convolution = ConvolutionLayer(
            convolution, named: "stem.0.weight", in: &parameters, arena: arena,
            scratch: arena.floats(convolution.gradientCount))
        norm = BatchNorm(
            channels: channels, count: count * size * size, named: "stem.1", in: &parameters, arena: arena,
            running: running)
        range = start..<parameters.count
        let shape = LayerMemory.Shape(images: count, channels: channels, size: size)
        y = memory.intermediate(shape, 0...3)
        output = memory.output(shape)
        dy = arena.tensor(images: 1, channels: channels, height: size, width: size)
        sumsCount = (channels + 7) / 8 * 8
        sums = arena.doubles(2 * sumsCount)
    }

    var multiplyAdds: Int { convolution.convolution.multiplyAdds(height: images.height, width: images.width) }

    func load(_ weights: UnsafePointer<Float>) {
        convolution.load(weights)
        norm.load(weights)
    }

    /// - Parameter planar: (images, channels, size, size).
    func forward(_ planar: UnsafePointer<Float>, _ pass: ForwardPass) {
        let (y, output) = (y[pass], output[pass])
        norm.clearSums()
        for image in 0..<images.images {
            images.copyImage(image, fromPlanar: planar + image * images.channels * images.pixels)
            convolution.forward(
                images[image..<image + 1], images: 1, into: y, first: image, sums: norm.sums)
        }
        norm.finishForward(weight: 1)
        let terms = WeightedTerms(y, norm.scale)
        for image in 0..<images.images {
            WeightedSum.compute(
                terms, constants: norm.shift, image: image, into: ImageOf(output, image: image))
        }
    }

    /// After a training forward pass, with the gradient of the output.
    func backward(weightsGradient: UnsafeMutablePointer<Float>) {
        let (d, y) = (output.gradient, y.training)
        sums.update(repeating: 0, count: 2 * sumsCount)
        for image in 0..<images.images { ChannelSums.accumulate(d, y, image: image, into: sums) }
        _ = norm.finishBackward(weight: 1, dSum: sums, dySum: sums + sumsCount)
        norm.storeGradient(dSum: sums, into: weightsGradient)
        convolution.clearWeightsGradient()
        for image in 0..<images.images {
            NormGradient.compute(d, image: image, norm.gradient(y, into: dy, targetImage: 0))
            convolution.backward(images[image..<image + 1], dy, images: 1, wantsWeights: true, into: nil)
        }
        convolution.storeWeightsGradient(into: weightsGradient)
    }
}
