import Kernels

/// A convolution of the supernet: its place among the parameters, and its weights packed for the kernels.
final class ConvolutionLayer {
    let convolution: Convolution
    let range: Range<Int>
    private let adjoint: Convolution
    private let packed: UnsafeMutablePointer<Float>
    private let packedAdjoint: UnsafeMutablePointer<Float>
    private let gradient: UnsafeMutablePointer<Float>

    /// - Parameter scratch: at least `convolution.gradientCount` floats, shared between layers.
    init(
        _ convolution: Convolution, named name: String, in parameters: inout ParameterDirectory, arena: Arena,
        scratch: UnsafeMutablePointer<Float>
    ) {
        self.convolution = convolution
        let k = convolution.kernel
        let fanIn = Float(convolution.inputChannels * k * k)
        range = parameters.append(
            name, [convolution.outputChannels, convolution.inputChannels, k, k],
            .uniform(bound: 1 / fanIn.squareRoot()))
        adjoint = convolution.adjoint
        packed = arena.floats(convolution.packedCount)
        packedAdjoint = arena.floats(adjoint.packedCount)
        gradient = scratch
    }

    func load(_ weights: UnsafePointer<Float>) {
        convolution.pack(weights + range.lowerBound, into: packed)
        adjoint.packFlipped(weights + range.lowerBound, into: packedAdjoint)
    }

    /// y = conv(x), one image; sums for a batch norm behind it if it has one.
    func forward(_ x: BlockedTensor, _ image: Int, into y: BlockedTensor, sums: UnsafeMutablePointer<Double>? = nil) {
        convolution.forward(x, image: image, packed: packed, into: y, outputImage: image, sums: sums)
    }

    /// Gradient by input, one image. For stride 2, `dy` is the spread gradient.
    func backward(
        _ dy: BlockedTensor, _ image: Int, into dx: BlockedTensor, _ dxImage: Int, accumulate: Bool
    ) {
        adjoint.forward(
            dy, image: image, packed: packedAdjoint, into: dx, outputImage: dxImage, accumulate: accumulate)
    }

    func clearWeightsGradient() {
        gradient.update(repeating: 0, count: convolution.gradientCount)
    }

    /// Adds one image to the weights gradient since `clearWeightsGradient`.
    func addWeightsGradient(_ x: BlockedTensor, _ image: Int, _ dy: BlockedTensor, _ dyImage: Int) {
        convolution.weightsGradient(x, image: image, dy, gradientImage: dyImage, into: gradient)
    }

    func storeWeightsGradient(into flat: UnsafeMutablePointer<Float>) {
        convolution.unpackGradient(gradient, scale: 1, into: flat + range.lowerBound)
    }
}
