import Kernels

/// Convolution 3×3 from the images and an affine batch norm.
final class Stem {
    let range: Range<Int>
    let output: BlockedTensor
    private let images: BlockedTensor
    private let convolution: ConvolutionLayer
    private let norm: BatchNorm
    private let convolved: BlockedTensor
    private let dy: BlockedTensor
    private let sums: UnsafeMutablePointer<Double>
    private let sumsCount: Int

    init(
        images count: Int, inputChannels: Int, channels: Int, size: Int, parameters: inout ParameterDirectory,
        arena: Arena, scratch: UnsafeMutablePointer<Float>
    ) {
        let start = parameters.count
        images = arena.tensor(images: count, channels: inputChannels, height: size, width: size, padding: 1)
        convolution = ConvolutionLayer(
            Convolution(inputChannels: inputChannels, outputChannels: channels, kernel: 3), named: "stem.0.weight",
            in: &parameters, arena: arena, scratch: scratch)
        norm = BatchNorm(
            channels: channels, count: count * size * size, named: "stem.1", in: &parameters, arena: arena)
        range = start..<parameters.count
        convolved = arena.tensor(images: count, channels: channels, height: size, width: size)
        output = arena.tensor(images: count, channels: channels, height: size, width: size)
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
    func forward(_ planar: UnsafePointer<Float>) {
        norm.clearSums()
        for image in 0..<images.images {
            images.copyImage(image, fromPlanar: planar + image * images.channels * images.pixels)
            convolution.forward(images, image, into: convolved, sums: norm.sums)
        }
        norm.finishForward(weight: 1)
        for image in 0..<images.images {
            WeightedSum.compute(
                [WeightedTerm(convolved, UnsafePointer(norm.a))], constants: UnsafePointer(norm.constants),
                image: image, into: output, targetImage: image, accumulate: false)
        }
    }

    func backward(_ d: BlockedTensor, weightsGradient: UnsafeMutablePointer<Float>) {
        sums.update(repeating: 0, count: 2 * sumsCount)
        for image in 0..<images.images { ChannelSums.accumulate(d, [convolved], image: image, into: sums) }
        _ = norm.finishBackward(weight: 1, dSum: sums, dySum: sums + sumsCount)
        norm.storeGradient(dSum: sums, into: weightsGradient)
        convolution.clearWeightsGradient()
        for image in 0..<images.images {
            WeightedSum.compute(
                [WeightedTerm(d, UnsafePointer(norm.a)), WeightedTerm(convolved, UnsafePointer(norm.b))],
                constants: UnsafePointer(norm.constants), image: image, into: dy, targetImage: 0, accumulate: false)
            convolution.addWeightsGradient(images, image, dy, 0)
        }
        convolution.storeWeightsGradient(into: weightsGradient)
    }
}
