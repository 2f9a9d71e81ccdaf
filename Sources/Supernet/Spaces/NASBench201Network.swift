import Kernels

/// The macro skeleton of NAS-Bench-201: stem, three stages of N cells with reduction blocks between, head.
final class NASBench201Network {
    private enum Layer {
        case cell(NASBench201Cell)
        case reduction(ReductionBlock)
    }

    let parameters: ParameterDirectory
    let head: Head
    private let arena: Arena
    private let stem: Stem
    private var layers: [Layer] = []
    private let cellMultiplyAdds: Int

    /// Bytes of activations, gradients and packed weights.
    var bytes: Int { arena.bytes }

    init(shape: SupernetShape, images: Int, convolution: ConvolutionAlgorithm) throws(SupernetError) {
        guard shape.imageSize >= 4, shape.imageSize % 4 == 0 else {
            throw .shape(
                "image size \(shape.imageSize) is impossible in nasbench201: it is halved twice, so it must be a "
                    + "multiple of 4")
        }
        let arena = Arena()
        self.arena = arena
        var parameters = ParameterDirectory()
        // The stem, the cells, two reduction blocks and the head.
        let clock = PassClock(layers: 3 * shape.cells + 4)
        func memory(_ layer: Int) -> LayerMemory { LayerMemory(arena: arena, clock: clock, layer: layer) }
        let stages = (0..<3).map { stage in
            StageScratch(
                images: images, channels: shape.channels << stage, size: shape.imageSize >> stage,
                convolutions: NASBench201Cell.convolutions(shape.channels << stage), algorithm: convolution,
                arena: arena)
        }
        stem = Stem(
            images: images, inputChannels: shape.inputChannels, channels: shape.channels, size: shape.imageSize,
            parameters: &parameters, memory: memory(0))
        var output = stem.output
        var multiplyAdds = 0
        for stage in 0..<3 {
            if stage > 0 {
                let block = ReductionBlock(
                    index: layers.count, input: output, parameters: &parameters, memory: memory(layers.count + 1),
                    tiles: stages[stage].tiles, scratch: stages[stage].weightsGradients.map { $0[1] })
                layers.append(.reduction(block))
                output = block.output
            }
            for _ in 0..<shape.cells {
                let cell = NASBench201Cell(
                    index: layers.count, input: output, scratch: stages[stage], parameters: &parameters,
                    memory: memory(layers.count + 1))
                layers.append(.cell(cell))
                output = cell.output
                multiplyAdds += 6 * 10 * output.channels * output.channels * output.pixels
            }
        }
        head = Head(input: output, classes: shape.classes, parameters: &parameters, memory: memory(layers.count + 1))
        self.parameters = parameters
        cellMultiplyAdds = multiplyAdds
    }

    /// Multiply-adds of convolutions and classifier for one image, all edges mixed.
    func multiplyAdds(_ pass: Supernet.Pass) -> Int {
        var blocks = 0
        for case .reduction(let block) in layers { blocks += block.multiplyAdds }
        let forward = stem.multiplyAdds + cellMultiplyAdds + blocks + head.multiplyAdds
        return pass.multiplyAdds(forward: forward, stem: stem.multiplyAdds)
    }

    func load(weights: UnsafePointer<Float>) {
        stem.load(weights)
        for layer in layers {
            switch layer {
            case .cell(let cell): cell.load(weights)
            case .reduction(let block): block.load(weights)
            }
        }
        head.load(weights)
    }

    /// - Parameter mixture: the weight of each operation on each edge; in an evaluation, 0 means not computed.
    func forward(
        images: UnsafePointer<Float>, labels: UnsafePointer<UInt8>, mixture: UnsafePointer<Double>, _ pass: ForwardPass
    ) -> (loss: Double, correct: Int) {
        stem.forward(images, pass)
        for layer in layers {
            switch layer {
            case .cell(let cell): cell.forward(mixture, pass)
            case .reduction(let block): block.forward(pass)
            }
        }
        return head.forward(labels: labels, pass)
    }

    /// After a training forward pass of the mixtures `betas`. At least one of the two gradients is wanted.
    ///
    /// - Parameter ready: called with falling ranges of the weights gradient that are final.
    func backward(
        _ betas: UnsafePointer<Double>, weightsGradient: UnsafeMutablePointer<Float>?,
        betaGradient: UnsafeMutablePointer<Double>?, ready: (Range<Int>) -> Void
    ) {
        head.backward(weightsGradient: weightsGradient)
        if weightsGradient != nil { ready(head.range) }
        for index in layers.indices.reversed() {
            switch layers[index] {
            case .cell(let cell):
                cell.backward(
                    betas, wantsInput: index > 0 || weightsGradient != nil, weightsGradient: weightsGradient,
                    betaGradient: betaGradient)
                if weightsGradient != nil { ready(cell.range) }
            case .reduction(let block):
                block.backward(weightsGradient: weightsGradient)
                if weightsGradient != nil { ready(block.range) }
            }
        }
        guard let weightsGradient else { return }
        stem.backward(weightsGradient: weightsGradient)
        ready(stem.range)
    }
}
