import Kernels

/// NAS-Bench-201's skeleton around one chosen cell: stem, three stages of N cells with reduction blocks between, head.
final class FinalNASBench201: FinalSkeleton {
    private enum Layer {
        case cell(FinalCell)
        case reduction(ReductionBlock)
    }

    let parameters: ParameterDirectory
    let running = RunningStatistics()
    let multiplyAdds: Int
    private let arena = Arena()
    private let stem: Stem
    private let head: Head
    private var layers: [Layer] = []
    /// What comes from a stem or a reduction block, and is rectified for the cell after it.
    private var entries: [Int: CellNode] = [:]

    var headRange: Range<Int> { head.range }
    var auxiliary: AuxiliaryHead? { nil }
    var bytes: Int { arena.bytes }
    var logits: UnsafeMutablePointer<Float> { head.logits }

    /// - Throws: `SupernetError.shape` for sizes that the skeleton cannot have.
    init(
        _ genotype: Genotype, shape: SupernetShape, images: Int, convolution: ConvolutionAlgorithm
    ) throws(SupernetError) {
        guard shape.imageSize % 4 == 0 else {
            throw .shape(
                "image size \(shape.imageSize) is impossible in nasbench201: it is halved twice, so it must be a "
                    + "multiple of 4")
        }
        let (arena, running) = (arena, running)
        var parameters = ParameterDirectory()
        let clock = PassClock(layers: 3 * shape.cells + 4)
        func memory(_ layer: Int) -> LayerMemory { LayerMemory(arena: arena, clock: clock, layer: layer) }
        let store = ScratchStore(images: images, arena: arena, running: running)
        stem = Stem(
            images: images, inputChannels: shape.inputChannels, channels: shape.channels, size: shape.imageSize,
            parameters: &parameters, memory: memory(0), running: running)
        var output = stem.output
        var multiplyAdds = stem.multiplyAdds
        let edges = genotype.placed(ofCellType: 0)
        for stage in 0..<3 {
            let (channels, size) = (shape.channels << stage, shape.imageSize >> stage)
            let scratch = ConvolutionScratch(
                images: images, channels: channels, size: size, algorithm: convolution, arena: arena)
            if stage > 0 {
                let block = ReductionBlock(
                    index: layers.count, input: output, parameters: &parameters, memory: memory(layers.count + 1),
                    tiles: scratch.tiles, scratch: scratch.weightsGradients, running: running)
                layers.append(.reduction(block))
                output = block.output
                multiplyAdds += block.multiplyAdds
            }
            var input = CellNode(
                value: output.training, padding: 1, dependsOnAlphas: false, arena: arena,
                gradientDuring: clock.backward(layers.count + 1))
            entries[layers.count] = input
            for _ in 0..<shape.cells {
                let index = layers.count
                let layer = index + 1
                let start = parameters.count
                let signal = memory(layer).output(.init(images: images, channels: channels, size: size))
                func node(_ value: BlockedTensor, gradientIn layer: Int) -> CellNode {
                    CellNode(
                        value: value, padding: 1, dependsOnAlphas: false, arena: arena,
                        gradientDuring: clock.backward(layer))
                }
                let inner = (1...2).map { _ in
                    node(
                        arena.tensor(
                            images: images, channels: channels, height: size, width: size,
                            during: clock.forward(layer)...clock.backward(layer).upperBound), gradientIn: layer)
                }
                let last = node(signal.training, gradientIn: layer + 1)
                let prefix = "cells.\(index).layers."
                let cell = FinalCell(
                    nodes: [input] + inner + [last], preprocesses: [], edges: edges, firstEdge: index * edges.count,
                    isReduction: false, start: start, ends: (output.gradient, signal.gradient),
                    parameters: &parameters, arena: arena, store: store
                ) { edge, place, source, pool, parameters in
                    switch edge.operation {
                    case "skip_connect": .identity
                    case "avg_pool_3x3": .pooled(pool(.average))
                    case "nor_conv_1x1":
                        .normalized(
                            RectifiedPointwise(
                                sources: [source], outputs: channels, prefix: "\(prefix)\(place).", in: &parameters,
                                arena: arena, store: store))
                    case "nor_conv_3x3":
                        .normalized(
                            RectifiedConvolution(
                                source: source, prefix: "\(prefix)\(place).", in: &parameters, arena: arena,
                                store: store, scratch: scratch))
                    default: nil
                    }
                }
                layers.append(.cell(cell))
                multiplyAdds += cell.multiplyAdds
                (input, output) = (last, signal)
            }
        }
        head = Head(
            input: output, classes: shape.classes, parameters: &parameters, memory: memory(layers.count + 1),
            running: running)
        self.multiplyAdds = multiplyAdds + head.multiplyAdds
        self.parameters = parameters
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

    func draw(_ drop: DropPath?, _ indices: [Int]) {
        for case .cell(let cell) in layers { cell.draw(drop, indices) }
    }

    func forward(
        images: UnsafePointer<Float>, labels: UnsafePointer<UInt8>, wantsGradient: Bool
    ) -> (loss: Double, correct: Int) {
        stem.forward(images, .training)
        for (index, layer) in layers.enumerated() {
            if let entry = entries[index] {
                for image in 0..<entry.images {
                    Rectifier.forward(entry.value, image: image, into: entry.rectified, targetImage: image)
                }
            }
            switch layer {
            case .cell(let cell): cell.forward()
            case .reduction(let block): block.forward(.training)
            }
        }
        return head.forward(labels: labels, .training)
    }

    func backwardHead(_ weightsGradient: UnsafeMutablePointer<Float>) {
        head.backward(weightsGradient: weightsGradient)
    }

    func backwardCells(_ weightsGradient: UnsafeMutablePointer<Float>, ready: (Range<Int>) -> Void) {
        for layer in layers.reversed() {
            switch layer {
            case .cell(let cell):
                cell.backward(head: nil, weightsGradient: weightsGradient)
                ready(cell.range)
            case .reduction(let block):
                block.backward(weightsGradient: weightsGradient)
                ready(block.range)
            }
        }
        stem.backward(weightsGradient: weightsGradient)
        ready(stem.range)
    }
}
