import Kernels

/// ReLU, a 1×1 convolution of one or several nodes taken together, batch norm: `ReLUConvBN`.
final class RectifiedPointwise: NormalizedOperation {
    let norm: OperationNorm
    let output: BlockedTensor
    private let sources: [CellNode]
    private let convolution: PointwiseLayer
    private let scratch: ShapeScratch

    /// - Parameter prefix: of the weights' names, for example `cells.0.preprocess1.`.
    init(
        sources: [CellNode], outputs: Int, prefix: String, in parameters: inout ParameterDirectory, arena: Arena,
        store: ScratchStore
    ) {
        self.sources = sources
        let size = sources[0].value.height
        convolution = PointwiseLayer(
            outputs: outputs, pieces: sources.map(\.value.channels), named: prefix + "op.1.weight", in: &parameters,
            arena: arena)
        norm = store.norm(
            channels: outputs, count: sources[0].images * size * size, named: prefix + "op.2", in: &parameters)
        output = arena.tensor(
            images: sources[0].images, channels: outputs, height: size, width: size, during: ShapeScratch.always)
        scratch = store.scratch(channels: outputs, size: size)
    }

    var multiplyAdds: Int { convolution.multiplyAdds(pixels: output.pixels) }

    func load(_ weights: UnsafePointer<Float>) {
        convolution.load(weights)
        norm.load(weights)
    }

    func forward(_: ForwardPass) {
        norm.clearSums()
        let inputs = sources.map(\.rectified)
        for image in 0..<output.images {
            convolution.forward(
                inputs, image, into: output.part(image: image, firstBlock: 0, channels: output.channels),
                sums: norm.sums)
        }
        norm.takeStatistics()
    }

    func backward(_ d: BlockedTensor, wantsInput: Bool, weightsGradient: UnsafeMutablePointer<Float>?) {
        guard wantsInput || weightsGradient != nil else { return }
        if weightsGradient != nil { convolution.clearWeightsGradient() }
        let inputs = sources.map(\.rectified)
        for image in 0..<output.images {
            outputGradient(d, image, into: scratch.gradient)
            if weightsGradient != nil { convolution.addWeightsGradient(inputs, image, scratch.gradient) }
            guard wantsInput else { continue }
            for (piece, source) in sources.enumerated() {
                convolution.backward(
                    scratch.gradient, piece: piece, into: source.rectifiedGradient, image,
                    accumulate: source.hasGradient)
            }
        }
        if wantsInput { for source in sources { source.hasGradient = true } }
        guard let weightsGradient else { return }
        convolution.storeWeightsGradient(into: weightsGradient)
        norm.storeGradient(into: weightsGradient)
    }
}
