import Kernels

/// A depthwise convolution of the supernet: its place among the parameters, and its weights packed for the kernels.
final class DepthwiseLayer {
    let convolution: DepthwiseConvolution
    let range: Range<Int>
    private let packed: UnsafeMutablePointer<Float>
    private let packedFlipped: UnsafeMutablePointer<Float>
    private let gradient: UnsafeMutablePointer<Float>

    init(
        _ convolution: DepthwiseConvolution, named name: String, in parameters: inout ParameterDirectory, arena: Arena
    ) {
        self.convolution = convolution
        let k = convolution.kernel
        range = parameters.append(
            name, [convolution.channels, 1, k, k], .uniform(bound: 1 / Float(k * k).squareRoot()))
        packed = arena.floats(convolution.packedCount)
        packedFlipped = arena.floats(convolution.packedCount)
        gradient = arena.floats(convolution.packedCount)
    }

    func load(_ weights: UnsafePointer<Float>) {
        Profile.enter("weights into blocks", .update, floats: 4 * convolution.weightCount)
        defer { Profile.leave() }
        convolution.pack(weights + range.lowerBound, into: packed)
        convolution.packFlipped(weights + range.lowerBound, into: packedFlipped)
    }

    func forward(_ x: BlockedTensor, _ image: Int, into y: BlockedTensor, _ yImage: Int, ahead: Prefetch? = nil) {
        Profile.enter(name, .forward, y, floats: floats(x, y), multiplyAdds: multiplyAdds(y))
        defer { Profile.leave() }
        convolution.forward(x, image: image, packed: packed, into: y, outputImage: yImage, ahead: ahead)
    }

    /// Gradient by input, one image.
    func backward(
        _ dy: BlockedTensor, _ image: Int, into dx: BlockedTensor, _ dxImage: Int, accumulate: Bool,
        ahead: Prefetch? = nil
    ) {
        Profile.enter(
            name, .byInput, dy, floats: floats(dy, dx) + (accumulate ? dx.imageFloats : 0),
            multiplyAdds: multiplyAdds(dy))
        defer { Profile.leave() }
        convolution.inputGradient(
            dy, image: image, packed: packedFlipped, into: dx, inputImage: dxImage, accumulate: accumulate,
            ahead: ahead)
    }

    func clearWeightsGradient() { gradient.update(repeating: 0, count: convolution.packedCount) }

    /// Adds one image to the weights gradient since `clearWeightsGradient`.
    func addWeightsGradient(_ x: BlockedTensor, _ image: Int, _ dy: BlockedTensor, _ dyImage: Int) {
        Profile.enter(
            name, .byWeights, dy, floats: floats(x, dy) + convolution.weightCount, multiplyAdds: multiplyAdds(dy))
        defer { Profile.leave() }
        convolution.weightsGradient(x, image: image, dy, gradientImage: dyImage, into: gradient)
    }

    func storeWeightsGradient(into flat: UnsafeMutablePointer<Float>) {
        Profile.enter("weights out of blocks", .byWeights, floats: 2 * convolution.weightCount)
        defer { Profile.leave() }
        convolution.unpackGradient(gradient, into: flat + range.lowerBound)
    }

    // For the profile.
    private var name: StaticString { convolution.kernel == 3 ? "depthwise 3×3" : "depthwise 5×5" }

    private func floats(_ x: BlockedTensor, _ y: BlockedTensor) -> Int {
        x.imageFloats + y.imageFloats + convolution.weightCount
    }

    private func multiplyAdds(_ y: BlockedTensor) -> Int { y.pixels * convolution.weightCount }
}
