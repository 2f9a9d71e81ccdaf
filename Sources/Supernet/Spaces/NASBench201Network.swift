import Kernels

/// The macro skeleton of NAS-Bench-201: stem, three stages of N cells with reduction blocks between, head.
final class NASBench201Network {
    private enum Layer {
        case cell(NASBench201Cell, stage: Int)
        case reduction(ReductionBlock, stage: Int)
    }

    let parameters: ParameterDirectory
    let head: Head
    private let arena = Arena()
    private let stem: Stem
    private var layers: [Layer] = []
    private let gradients: [StageGradients]
    private let cellMultiplyAdds: Int

    /// Bytes of activations, gradients and packed weights.
    var bytes: Int { arena.bytes }

    init(shape: SupernetShape, images: Int) throws(SupernetError) {
        guard shape.imageSize >= 4, shape.imageSize % 4 == 0 else {
            throw .shape(
                "image size \(shape.imageSize) is impossible in nasbench201: it is halved twice, so it must be a "
                    + "multiple of 4")
        }
        var parameters = ParameterDirectory()
        // The largest weights gradient: a 3×3 convolution between the last stage's channels.
        let widest = Convolution(inputChannels: 4 * shape.channels, outputChannels: 4 * shape.channels, kernel: 3)
        let scratch = arena.floats(widest.gradientCount)
        stem = Stem(
            images: images, inputChannels: shape.inputChannels, channels: shape.channels, size: shape.imageSize,
            parameters: &parameters, arena: arena, scratch: scratch)
        gradients = (0..<3).map { [arena] stage in
            StageGradients(
                images: images, channels: shape.channels << stage, size: shape.imageSize >> stage, arena: arena)
        }
        var output = stem.output
        var multiplyAdds = 0
        for stage in 0..<3 {
            if stage > 0 {
                let block = ReductionBlock(
                    index: layers.count, input: output, parameters: &parameters, arena: arena, scratch: scratch)
                layers.append(.reduction(block, stage: stage))
                output = block.output
            }
            for _ in 0..<shape.cells {
                let cell = NASBench201Cell(
                    index: layers.count, input: output, gradients: gradients[stage], parameters: &parameters,
                    arena: arena, scratch: scratch)
                layers.append(.cell(cell, stage: stage))
                output = cell.output
                multiplyAdds += 6 * 10 * output.channels * output.channels * output.pixels
            }
        }
        head = Head(input: output, classes: shape.classes, parameters: &parameters, arena: arena)
        self.parameters = parameters
        cellMultiplyAdds = multiplyAdds
    }

    /// Multiply-adds of convolutions and classifier for one image, all edges mixed.
    func multiplyAdds(_ pass: Supernet.Pass) -> Int {
        var blocks = 0
        for case .reduction(let block, _) in layers { blocks += block.multiplyAdds }
        let forward = stem.multiplyAdds + cellMultiplyAdds + blocks + head.multiplyAdds
        switch pass {
        case .forward: return forward
        case .gradient(.weights): return 3 * forward - stem.multiplyAdds
        case .gradient(.alphas): return 2 * forward - stem.multiplyAdds
        }
    }

    func load(weights: UnsafePointer<Float>) {
        stem.load(weights)
        for layer in layers {
            switch layer {
            case .cell(let cell, _): cell.load(weights)
            case .reduction(let block, _): block.load(weights)
            }
        }
        head.load(weights)
    }

    /// - Parameter mixture: the weight of each operation on each edge; 0 means not computed.
    func forward(
        images: UnsafePointer<Float>, labels: UnsafePointer<UInt8>, mixture: [[Double]], wantsGradient: Bool
    ) -> (loss: Double, correct: Int) {
        stem.forward(images)
        for layer in layers {
            switch layer {
            case .cell(let cell, _): cell.forward(mixture)
            case .reduction(let block, _): block.forward()
            }
        }
        return head.forward(labels: labels, wantsGradient: wantsGradient)
    }

    /// After a forward pass of the mixtures `betas`. One of the two gradients is wanted.
    ///
    /// - Parameter ready: called with falling ranges of the weights gradient that are final.
    func backward(
        _ betas: [[Double]], weightsGradient: UnsafeMutablePointer<Float>?,
        betaGradient: UnsafeMutablePointer<Double>?, ready: (Range<Int>) -> Void
    ) {
        head.backward(into: gradients[2].nodes[3], weightsGradient: weightsGradient)
        if weightsGradient != nil { ready(head.range) }
        for index in layers.indices.reversed() {
            switch layers[index] {
            case .cell(let cell, let stage):
                cell.backward(
                    betas, wantsInput: index > 0 || weightsGradient != nil, weightsGradient: weightsGradient,
                    betaGradient: betaGradient)
                // The input's gradient is the output's gradient of the layer before.
                gradients[stage].nodes.swapAt(0, 3)
                if weightsGradient != nil { ready(cell.range) }
            case .reduction(let block, let stage):
                block.backward(
                    gradients[stage].nodes[3], into: gradients[stage - 1].nodes[3], weightsGradient: weightsGradient)
                if weightsGradient != nil { ready(block.range) }
            }
        }
        guard let weightsGradient else { return }
        stem.backward(gradients[0].nodes[3], weightsGradient: weightsGradient)
        ready(stem.range)
    }
}
