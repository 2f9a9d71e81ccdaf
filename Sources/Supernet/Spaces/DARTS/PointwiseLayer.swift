import Kernels

/// A 1×1 convolution whose input may come in pieces, one tensor after the other along the channels.
final class PointwiseLayer {
    /// The part of the convolution that reads one piece.
    private struct Part {
        let convolution: Convolution
        let adjoint: Convolution
        let firstInput: Int
        let packed: UnsafeMutablePointer<Float>
        let packedAdjoint: UnsafeMutablePointer<Float>
        let gradient: UnsafeMutablePointer<Float>
    }

    let range: Range<Int>
    private let outputs: Int
    private let inputs: Int
    /// Zero channels before the outputs, so that they begin inside a block.
    private let leading: Int
    private var parts: [Part] = []
    /// The weights of one part, (leading + outputs, inputs of the part), on their way in or out: no pass takes heap memory.
    private let block: UnsafeMutablePointer<Float>

    /// - Parameters:
    ///   - pieces: channels of each piece of the input.
    ///   - stride: 1 or 2.
    ///   - leading: channels, fewer than 8, that the result has before this layer's outputs; they stay as they are when
    ///     the result is accumulated.
    init(
        outputs: Int, pieces: [Int], stride: Int = 1, leading: Int = 0, named name: String,
        in parameters: inout ParameterDirectory, arena: Arena
    ) {
        self.outputs = outputs
        self.leading = leading
        inputs = pieces.reduce(0, +)
        range = parameters.append(
            name, [outputs, inputs, 1, 1], .uniform(bound: 1 / Float(inputs).squareRoot()))
        block = arena.floats((leading + outputs) * (pieces.max() ?? 0))
        var first = 0
        for channels in pieces {
            let convolution = Convolution(
                inputChannels: channels, outputChannels: leading + outputs, kernel: 1, stride: stride)
            let adjoint = convolution.adjoint
            parts.append(
                Part(
                    convolution: convolution, adjoint: adjoint, firstInput: first,
                    packed: arena.floats(convolution.packedCount), packedAdjoint: arena.floats(adjoint.packedCount),
                    gradient: arena.floats(convolution.gradientCount)))
            first += channels
        }
    }

    /// Multiply-adds for one image with so many output pixels.
    func multiplyAdds(pixels: Int) -> Int { outputs * inputs * pixels }

    func load(_ weights: UnsafePointer<Float>) {
        Profile.enter("weights into blocks", .update, floats: 4 * outputs * inputs)
        defer { Profile.leave() }
        for part in parts {
            let columns = part.convolution.inputChannels
            block.update(repeating: 0, count: leading * columns)
            for output in 0..<outputs {
                let row = weights + range.lowerBound + output * inputs + part.firstInput
                for column in 0..<columns { block[(leading + output) * columns + column] = row[column] }
            }
            part.convolution.pack(block, into: part.packed)
            part.adjoint.packFlipped(block, into: part.packedAdjoint)
        }
    }

    /// One image. Sums for a batch norm are taken if this is all of its input.
    ///
    /// - Parameter y: one image.
    func forward(
        _ pieces: [BlockedTensor], _ image: Int, into y: BlockedTensor, accumulate: Bool = false,
        sums: UnsafeMutablePointer<Double>? = nil, ahead: Prefetch? = nil
    ) {
        Profile.enter(
            PointwiseLayer.name, .forward, y, floats: floats(pieces, y), multiplyAdds: multiplyAdds(pixels: y.pixels))
        defer { Profile.leave() }
        for (index, part) in parts.enumerated() {
            part.convolution.forward(
                pieces[index], image: image, packed: part.packed, into: y, outputImage: 0,
                accumulate: accumulate || index > 0, sums: index == parts.count - 1 ? sums : nil,
                ahead: ahead)
        }
    }

    /// Gradient by one piece of the input, at the output's size.
    func backward(
        _ dy: BlockedTensor, piece: Int, into dx: BlockedTensor, _ dxImage: Int, accumulate: Bool,
        ahead: Prefetch? = nil
    ) {
        let part = parts[piece]
        Profile.enter(
            PointwiseLayer.name, .byInput, dy,
            floats: dy.imageFloats + (accumulate ? 2 : 1) * dx.imageFloats + part.convolution.weightCount,
            multiplyAdds: outputs * part.convolution.inputChannels * dy.pixels)
        defer { Profile.leave() }
        part.adjoint.forward(
            dy, image: 0, packed: part.packedAdjoint, into: dx, outputImage: dxImage, accumulate: accumulate,
            ahead: ahead)
    }

    func clearWeightsGradient() {
        for part in parts { part.gradient.update(repeating: 0, count: part.convolution.gradientCount) }
    }

    /// Adds one image to the weights gradient since `clearWeightsGradient`.
    func addWeightsGradient(_ pieces: [BlockedTensor], _ image: Int, _ dy: BlockedTensor) {
        Profile.enter(
            PointwiseLayer.name, .byWeights, dy, floats: floats(pieces, dy) + outputs * inputs,
            multiplyAdds: multiplyAdds(pixels: dy.pixels))
        defer { Profile.leave() }
        for (index, part) in parts.enumerated() {
            part.convolution.weightsGradient(pieces[index], image: image, dy, gradientImage: 0, into: part.gradient)
        }
    }

    func storeWeightsGradient(into flat: UnsafeMutablePointer<Float>) {
        Profile.enter("weights out of blocks", .byWeights, floats: 2 * outputs * inputs)
        defer { Profile.leave() }
        for part in parts {
            let columns = part.convolution.inputChannels
            part.convolution.unpackGradient(part.gradient, scale: 1, into: block)
            for output in 0..<outputs {
                let row = flat + range.lowerBound + output * inputs + part.firstInput
                for column in 0..<columns { row[column] = block[(leading + output) * columns + column] }
            }
        }
    }

    // For the profile.
    private static let name: StaticString = "convolution 1×1"

    private func floats(_ pieces: [BlockedTensor], _ y: BlockedTensor) -> Int {
        pieces.reduce(y.imageFloats + outputs * inputs) { $0 + $1.imageFloats }
    }
}
