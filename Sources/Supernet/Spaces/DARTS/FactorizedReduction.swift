import Kernels

/// ReLU, two 1×1 convolutions with stride 2, the second one from pixel (1, 1) on, each for half of the channels; batch
/// norm: `FactorizedReduce`.
final class FactorizedReduction: NormalizedOperation {
    let norm: OperationNorm
    let output: BlockedTensor
    private let sources: [CellNode]
    private let convolutions: [PointwiseLayer]
    private let scratch: ShapeScratch
    /// Gradients of the pixels of a node that one of the convolutions read: one image, by channels of the node.
    private let spread: [Int: BlockedTensor]
    private let half: Int

    /// - Parameters:
    ///   - outputs: even.
    ///   - prefix: of the weights' names, for example `cells.3.preprocess0.`.
    init(
        sources: [CellNode], outputs: Int, prefix: String, in parameters: inout ParameterDirectory, arena: Arena,
        store: ScratchStore
    ) {
        precondition(outputs % 2 == 0, "half of the channels comes from each convolution")
        self.sources = sources
        half = outputs / 2
        let size = sources[0].value.height / 2
        let channels = sources.map(\.value.channels)
        convolutions = [0, half % 8].enumerated().map { index, leading in
            PointwiseLayer(
                outputs: outputs / 2, pieces: channels, stride: 2, leading: leading,
                named: "\(prefix)conv_\(index + 1).weight", in: &parameters, arena: arena)
        }
        norm = store.norm(
            channels: outputs, count: sources[0].images * size * size, named: prefix + "bn", in: &parameters)
        output = arena.tensor(
            images: sources[0].images, channels: outputs, height: size, width: size, during: ShapeScratch.always)
        scratch = store.scratch(channels: outputs, size: size)
        spread = Dictionary(
            channels.map { ($0, arena.tensor(images: 1, channels: $0, height: size, width: size)) },
            uniquingKeysWith: { first, _ in first })
    }

    var multiplyAdds: Int { convolutions.reduce(0) { $0 + $1.multiplyAdds(pixels: output.pixels) } }

    func load(_ weights: UnsafePointer<Float>) {
        for convolution in convolutions { convolution.load(weights) }
        norm.load(weights)
    }

    /// The channels of one of the convolutions in an image, with those before them in the same block.
    private func part(_ index: Int, of tensor: BlockedTensor, _ image: Int) -> BlockedTensor {
        tensor.part(
            image: image, firstBlock: index == 0 ? 0 : half / 8, channels: index == 0 ? half : half % 8 + half)
    }

    private func inputs(_ index: Int) -> [BlockedTensor] {
        sources.map { index == 0 ? $0.rectified : $0.rectified.shiftedByOne }
    }

    func forward(_: ForwardPass) {
        norm.clearSums()
        let inputs = [inputs(0), inputs(1)]
        // Where the halves share a block, the second is added to the first.
        let shares = half % 8 != 0
        for image in 0..<output.images {
            if shares { output.clear(image: image) }
            for index in 0..<2 {
                convolutions[index].forward(
                    inputs[index], image, into: part(index, of: output, image), accumulate: shares && index == 1)
            }
            BatchNormalization.accumulateSums(output, image: image, into: norm.sums)
        }
        norm.takeStatistics()
    }

    func backward(_ d: BlockedTensor, wantsInput: Bool, weightsGradient: UnsafeMutablePointer<Float>?) {
        guard wantsInput || weightsGradient != nil else { return }
        if weightsGradient != nil { for convolution in convolutions { convolution.clearWeightsGradient() } }
        let inputs = [inputs(0), inputs(1)]
        for image in 0..<output.images {
            outputGradient(d, image, into: scratch.gradient)
            if wantsInput {
                for source in sources where !source.hasGradient { source.rectifiedGradient.clear(image: image) }
            }
            for index in 0..<2 {
                let dy = part(index, of: scratch.gradient, 0)
                if weightsGradient != nil { convolutions[index].addWeightsGradient(inputs[index], image, dy) }
                guard wantsInput else { continue }
                for (piece, source) in sources.enumerated() {
                    guard let pixels = spread[source.value.channels] else { continue }
                    convolutions[index].backward(dy, piece: piece, into: pixels, 0, accumulate: false)
                    source.rectifiedGradient.addSpread(pixels, sourceImage: 0, offset: index, image: image)
                }
            }
        }
        if wantsInput { for source in sources { source.hasGradient = true } }
        guard let weightsGradient else { return }
        for convolution in convolutions { convolution.storeWeightsGradient(into: weightsGradient) }
        norm.storeGradient(into: weightsGradient)
    }
}
