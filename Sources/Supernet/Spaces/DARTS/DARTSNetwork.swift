import Kernels

/// The macro skeleton of the DARTS space: a stem with more channels (three times as many), cells of which those at one and two
/// thirds are reduction cells, global pooling and classifier.
final class DARTSNetwork: SupernetNetwork {
    let parameters: ParameterDirectory
    private let arena = Arena()
    private let stem: Stem
    private let stemNode: CellNode
    private let cells: [DARTSCell]
    private let head: DARTSHead
    private let noiseSource = NoiseSource()

    var bytes: Int { arena.bytes }
    var logits: UnsafeMutablePointer<Float> { head.logits }

    var noise: NoiseDraws {
        get { noiseSource.draws }
        set { noiseSource.draws = newValue }
    }

    /// - Parameter stemMultiplier: channels of the stem, in channels of the first cell's nodes.
    /// - Throws: `SupernetError.shape` for sizes that the skeleton cannot have.
    init(
        space: SearchSpace, stemMultiplier: Int, shape: SupernetShape, images: Int
    ) throws(SupernetError) {
        let reductions = try shape.reductions(of: space)
        let arena = arena
        var parameters = ParameterDirectory()
        let stemChannels = stemMultiplier * shape.channels
        // Cells keep what they compute until the step ends: to the stem they are one layer.
        stem = Stem(
            images: images, inputChannels: shape.inputChannels, channels: stemChannels, size: shape.imageSize,
            parameters: &parameters, memory: LayerMemory(arena: arena, clock: PassClock(layers: 2), layer: 0))
        stemNode = CellNode(value: stem.output.training, padding: 0, dependsOnAlphas: false, arena: arena)
        let store = ScratchStore(images: images, arena: arena)
        var previous = ([stemNode], [stemNode])
        var channels = shape.channels
        var reducedBefore = false
        var cells: [DARTSCell] = []
        for index in 0..<shape.cells {
            let isReduction = reductions.contains(index)
            if isReduction { channels *= 2 }
            let cell = DARTSCell(
                index: index, space: space, edges: space.rows(ofCellType: isReduction ? 1 : 0), noise: noiseSource,
                channels: channels, previous: previous, isReduction: isReduction, reducesFirst: reducedBefore,
                parameters: &parameters, arena: arena, store: store)
            cells.append(cell)
            previous = (previous.1, cell.output)
            reducedBefore = isReduction
        }
        self.cells = cells
        head = DARTSHead(
            pieces: previous.1.map(\.value), classes: shape.classes, parameters: &parameters, arena: arena)
        self.parameters = parameters
    }

    func multiplyAdds(_ pass: Supernet.Pass) -> Int {
        let forward = stem.multiplyAdds + head.multiplyAdds + cells.reduce(0) { $0 + $1.multiplyAdds }
        return pass.multiplyAdds(forward: forward, stem: stem.multiplyAdds)
    }

    func load(weights: UnsafePointer<Float>) {
        stem.load(weights)
        for cell in cells { cell.load(weights) }
        head.load(weights)
    }

    func forward(
        images: UnsafePointer<Float>, labels: UnsafePointer<UInt8>, mixture: UnsafePointer<Double>, _ pass: ForwardPass
    ) -> (loss: Double, correct: Int) {
        stem.forward(images, .training)
        for image in 0..<stemNode.images {
            Rectifier.forward(stemNode.value, image: image, into: stemNode.rectified, targetImage: image)
        }
        for cell in cells { cell.forward(mixture, pass) }
        return head.forward(labels: labels, wantsGradient: pass == .training)
    }

    func backward(
        _ betas: UnsafePointer<Double>, weightsGradient: UnsafeMutablePointer<Float>?,
        betaGradient: UnsafeMutablePointer<Double>?, ready: (Range<Int>) -> Void
    ) {
        head.backward(weightsGradient: weightsGradient)
        if weightsGradient != nil { ready(head.range) }
        for (index, cell) in cells.enumerated().reversed() {
            cell.backward(
                head: index == cells.count - 1 ? head.gradient : nil, betas, weightsGradient: weightsGradient,
                betaGradient: betaGradient)
            if weightsGradient != nil { ready(cell.range) }
        }
        guard let weightsGradient else { return }
        for image in 0..<stemNode.images {
            Rectifier.backward(
                stemNode.rectifiedGradient, dImage: image, x: stemNode.value, xImage: image,
                into: stem.output.gradient, dxImage: image)
        }
        stemNode.hasGradient = false
        stem.backward(weightsGradient: weightsGradient)
        ready(stem.range)
    }
}
