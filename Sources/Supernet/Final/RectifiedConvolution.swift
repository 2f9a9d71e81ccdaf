import Kernels

/// ReLU, a 3×3 convolution, batch norm: `ReLUConvBN`. By Winograd where the stage has tiles for it.
final class RectifiedConvolution: NormalizedOperation {
    let norm: OperationNorm
    let output: BlockedTensor
    private let source: CellNode
    private let convolution: ConvolutionLayer
    private let scratch: ConvolutionScratch

    /// - Parameter prefix: of the weights' names, for example `cells.0.layers.3.`.
    init(
        source: CellNode, prefix: String, in parameters: inout ParameterDirectory, arena: Arena, store: ScratchStore,
        scratch: ConvolutionScratch
    ) {
        self.source = source
        self.scratch = scratch
        let (channels, size) = (source.value.channels, source.value.height)
        convolution = ConvolutionLayer(
            Convolution(inputChannels: channels, outputChannels: channels, kernel: 3), named: prefix + "op.1.weight",
            in: &parameters, arena: arena, tiles: scratch.tiles, scratch: scratch.weightsGradients[0])
        norm = store.norm(
            channels: channels, count: source.images * size * size, named: prefix + "op.2", in: &parameters)
        output = arena.tensor(
            images: source.images, channels: channels, height: size, width: size, during: ShapeScratch.always)
    }

    var multiplyAdds: Int { output.pixels * convolution.convolution.weightCount }

    func load(_ weights: UnsafePointer<Float>) {
        convolution.load(weights)
        norm.load(weights)
    }

    func forward(_: ForwardPass) {
        norm.clearSums()
        forGroups { group, input in
            convolution.forward(
                input, images: group.count, into: output, first: group.lowerBound, sums: norm.sums)
        }
        norm.takeStatistics()
    }

    func backward(_ d: BlockedTensor, wantsInput: Bool, weightsGradient: UnsafeMutablePointer<Float>?) {
        if weightsGradient != nil { convolution.clearWeightsGradient() }
        forGroups { group, input in
            for (slot, image) in group.enumerated() {
                outputGradient(d, image, into: scratch.dy[slot..<slot + 1])
            }
            convolution.backward(
                input, scratch.dy, images: group.count, wantsWeights: weightsGradient != nil,
                into: wantsInput ? source.rectifiedGradient[group] : nil, accumulate: source.hasGradient)
        }
        if wantsInput { source.hasGradient = true }
        guard let weightsGradient else { return }
        convolution.storeWeightsGradient(into: weightsGradient)
        norm.storeGradient(into: weightsGradient)
    }

    /// A few images at a time, whose tiles are loaded.
    private func forGroups(_ body: (_ group: Range<Int>, _ input: BlockedTensor) -> Void) {
        var first = 0
        while first < source.images {
            let group = first..<min(first + scratch.group, source.images)
            let input = source.rectified[group]
            scratch.tiles?.load(input, images: group.count)
            body(group, input)
            first = group.upperBound
        }
    }
}

/// What the 3×3 convolutions of one stage of a final network share while they compute.
final class ConvolutionScratch {
    /// Images at a time, few enough for their pixels to stay in cache.
    let group: Int
    /// Nil where convolutions are computed directly.
    let tiles: TileScratch?
    /// Gradient of a convolution's output: a group, padded.
    let dy: BlockedTensor
    /// Room for three gradients by weights.
    let weightsGradients: [UnsafeMutablePointer<Float>]

    init(images: Int, channels: Int, size: Int, algorithm: ConvolutionAlgorithm, arena: Arena) {
        let convolution = Convolution(inputChannels: channels, outputChannels: channels, kernel: 3)
        let usesWinograd = algorithm.usesWinograd(convolution, height: size, width: size)
        group = StageScratch.group(images: images, channels: channels, size: size, usesWinograd: usesWinograd)
        tiles =
            usesWinograd
            ? TileScratch(images: group, channels: channels, size: size, arena: arena) : nil
        dy = arena.tensor(images: group, channels: channels, height: size, width: size, padding: 1)
        weightsGradients = (0..<3).map { [tiles] _ in
            arena.floats(ConvolutionLayer.gradientCount(convolution, tiles))
        }
    }
}
