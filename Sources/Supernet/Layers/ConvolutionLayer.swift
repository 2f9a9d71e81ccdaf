import Kernels

/// A convolution of the supernet: its place among the parameters, and its weights packed for the kernels.
///
/// It is computed by Winograd if it has tiles to do so, directly if not. It goes over the first images of small tensors,
/// those of a group; with tiles, `TileScratch.load` has taken the group's input before.
final class ConvolutionLayer {
    let convolution: Convolution
    let range: Range<Int>
    private let adjoint: Adjoint
    private let packed: UnsafeMutablePointer<Float>
    private let packedAdjoint: UnsafeMutablePointer<Float>
    private let gradient: UnsafeMutablePointer<Float>
    private let transformed: Transformed?

    /// What maps gradients of the output to gradients of the input.
    private enum Adjoint {
        case plain(Convolution)
        case strided(StridedAdjoint)

        var packedCount: Int {
            switch self {
            case .plain(let adjoint): adjoint.packedCount
            case .strided(let adjoint): adjoint.packedCount
            }
        }
    }

    private struct Transformed {
        let tiles: TileScratch
        let convolution: WinogradConvolution
        /// Maps transformed gradients of the output to those of the input.
        let adjoint: WinogradConvolution
        let packed: UnsafeMutablePointer<Float>
        let packedAdjoint: UnsafeMutablePointer<Float>
    }

    /// - Parameters:
    ///   - tiles: computes the convolution by Winograd; nil: directly.
    ///   - scratch: at least `gradientCount(convolution, tiles)` floats, shared between layers: for the gradient by weights
    ///     while images are added to it, and for weights on their way to be transformed.
    init(
        _ convolution: Convolution, named name: String, in parameters: inout ParameterDirectory, arena: Arena,
        tiles: TileScratch? = nil, scratch: UnsafeMutablePointer<Float>
    ) {
        self.convolution = convolution
        let k = convolution.kernel
        let fanIn = Float(convolution.inputChannels * k * k)
        range = parameters.append(
            name, [convolution.outputChannels, convolution.inputChannels, k, k],
            .uniform(bound: 1 / fanIn.squareRoot()))
        adjoint = convolution.stride == 1 ? .plain(convolution.adjoint) : .strided(StridedAdjoint(convolution))
        // What is only packed to be transformed takes no memory of its own.
        packed = tiles == nil ? arena.floats(convolution.packedCount) : scratch
        packedAdjoint = tiles == nil ? arena.floats(adjoint.packedCount) : scratch
        gradient = scratch
        transformed = tiles.map { tiles in
            let (forward, backward) = (Self.winograd(convolution), Self.winograd(convolution.adjoint))
            return Transformed(
                tiles: tiles, convolution: forward, adjoint: backward, packed: arena.floats(forward.packedCount),
                packedAdjoint: arena.floats(backward.packedCount))
        }
    }

    /// Floats that the gradient by weights takes while images are added to it.
    static func gradientCount(_ convolution: Convolution, _ tiles: TileScratch?) -> Int {
        tiles == nil ? convolution.gradientCount : winograd(convolution).gradientCount
    }

    private static func winograd(_ convolution: Convolution) -> WinogradConvolution {
        WinogradConvolution(
            inputChannels: convolution.inputChannels, outputChannels: convolution.outputChannels)
    }

    func load(_ weights: UnsafePointer<Float>) {
        Profile.enter("weights into blocks", .update, floats: 4 * convolution.weightCount)
        defer { Profile.leave() }
        let weights = weights + range.lowerBound
        convolution.pack(weights, into: packed)
        if let transformed {
            transformed.convolution.transformWeights(packed, into: transformed.packed)
            convolution.adjoint.packTransposed(weights, into: packedAdjoint)
            transformed.adjoint.transformWeights(packedAdjoint, into: transformed.packedAdjoint)
            return
        }
        switch adjoint {
        case .plain(let adjoint): adjoint.packFlipped(weights, into: packedAdjoint)
        case .strided(let adjoint): adjoint.pack(weights, into: packedAdjoint)
        }
    }

    /// y = conv(x); sums for a batch norm behind it if it has one.
    ///
    /// - Parameter y: receives the images from `first` on.
    func forward(
        _ x: BlockedTensor, images: Int, into y: BlockedTensor, first: Int = 0,
        sums: UnsafeMutablePointer<Double>? = nil
    ) {
        Profile.enter(
            name, .forward, y, floats: floats(x, y, images), multiplyAdds: multiplyAdds(y, images))
        defer { Profile.leave() }
        if let transformed {
            let tiles = transformed.tiles
            tiles.ahead.restart()
            tiles.ahead.add(y[first..<first + images])
            transformed.convolution.multiply(
                tiles.input, packed: transformed.packed, tiles: tiles.tiles(images), into: tiles.products,
                ahead: tiles.ahead)
            tiles.store(into: y, first: first, images: images, sums: sums)
            return
        }
        for image in 0..<images {
            convolution.forward(x, image: image, packed: packed, into: y, outputImage: first + image, sums: sums)
        }
    }

    /// A layer's place among those that share tiles and give their gradients by input to the same tensor, one after the
    /// other.
    struct Turn: OptionSet {
        let rawValue: Int
        static let first = Turn(rawValue: 1)
        static let last = Turn(rawValue: 2)
        static let only: Turn = [.first, .last]
    }

    func clearWeightsGradient() {
        gradient.update(repeating: 0, count: Self.gradientCount(convolution, transformed?.tiles))
    }

    /// Gradients of a few images, from that of the output.
    ///
    /// - Parameters:
    ///   - x: the images; read for the gradient by weights.
    ///   - dy: the images from `first` on; padded as far as the kernel needs.
    ///   - wantsWeights: whether the gradient by weights is added to what came since `clearWeightsGradient`.
    ///   - dx: receives the gradient by input; nil if it is not wanted.
    ///   - accumulate: for stride 1 alone: whether it is added to what is in `dx`.
    ///   - turn: with tiles, products add up from the first turn to the last, which alone goes to `dx`.
    func backward(
        _ x: BlockedTensor, _ dy: BlockedTensor, first: Int = 0, images: Int, wantsWeights: Bool,
        into dx: BlockedTensor?, accumulate: Bool = false, turn: Turn = .only
    ) {
        transformed?.tiles.loadGradient(dy, first: first, images: images)
        if wantsWeights { addWeightsGradient(x, dy, first: first, images: images) }
        if let dx { inputGradient(dy, first: first, images: images, into: dx, accumulate: accumulate, turn: turn) }
    }

    private func inputGradient(
        _ dy: BlockedTensor, first: Int, images: Int, into dx: BlockedTensor, accumulate: Bool, turn: Turn
    ) {
        Profile.enter(
            name, .byInput, dy, floats: floats(dy, dx, images) + (accumulate ? images * dx.imageFloats : 0),
            multiplyAdds: multiplyAdds(dy, images))
        defer { Profile.leave() }
        if let transformed {
            let tiles = transformed.tiles
            transformed.adjoint.multiply(
                tiles.gradient, packed: transformed.packedAdjoint, tiles: tiles.tiles(images), into: tiles.products,
                accumulate: !turn.contains(.first))
            if turn.contains(.last) { tiles.storeInputGradient(into: dx, images: images, accumulate: accumulate) }
            return
        }
        for image in 0..<images {
            switch adjoint {
            case .plain(let adjoint):
                adjoint.forward(
                    dy, image: first + image, packed: packedAdjoint, into: dx, outputImage: image,
                    accumulate: accumulate)
            case .strided(let adjoint):
                precondition(!accumulate, "a gradient of a convolution with stride 2 is not added")
                adjoint.apply(dy, image: first + image, packed: packedAdjoint, into: dx, inputImage: image)
            }
        }
    }

    private func addWeightsGradient(_ x: BlockedTensor, _ dy: BlockedTensor, first: Int, images: Int) {
        Profile.enter(
            name, .byWeights, dy, floats: floats(x, dy, images) + convolution.gradientCount,
            multiplyAdds: multiplyAdds(dy, images))
        defer { Profile.leave() }
        if let transformed {
            let tiles = transformed.tiles
            transformed.convolution.addWeightsGradient(
                tiles.input, tiles.gradient, tiles: tiles.tiles(images), into: gradient)
            return
        }
        for image in 0..<images {
            convolution.weightsGradient(x, image: image, dy, gradientImage: first + image, into: gradient)
        }
    }

    func storeWeightsGradient(into flat: UnsafeMutablePointer<Float>) {
        Profile.enter("weights out of blocks", .byWeights, floats: 2 * convolution.weightCount)
        defer { Profile.leave() }
        if let transformed {
            transformed.convolution.unpackGradient(gradient, into: flat + range.lowerBound)
        } else {
            convolution.unpackGradient(gradient, scale: 1, into: flat + range.lowerBound)
        }
    }

    // For the profile.
    private var name: StaticString { convolution.kernel == 3 ? "convolution 3×3" : "convolution 1×1" }

    private func floats(_ x: BlockedTensor, _ y: BlockedTensor, _ images: Int) -> Int {
        images * (x.imageFloats + y.imageFloats) + convolution.weightCount
    }

    private func multiplyAdds(_ y: BlockedTensor, _ images: Int) -> Int { images * y.pixels * convolution.weightCount }
}
