import Kernels

/// The skeleton of DARTS' spaces around chosen cells: quark0/darts' `NetworkCIFAR`.
///
/// A stem with more channels (three times as many in DARTS), cells of which those at one and two thirds are reduction
/// cells, global pooling and classifier; behind the last reduction cell the auxiliary head, if there is one.
final class FinalDARTS: FinalSkeleton {
    let parameters: ParameterDirectory
    let running = RunningStatistics()
    let auxiliary: AuxiliaryHead?
    private let arena = Arena()
    private let stem: Stem
    private let stemNode: CellNode
    private let cells: [FinalCell]
    private let head: DARTSHead

    var headRange: Range<Int> { head.range }
    var bytes: Int { arena.bytes }
    var logits: UnsafeMutablePointer<Float> { head.logits }
    var multiplyAdds: Int { stem.multiplyAdds + head.multiplyAdds + cells.reduce(0) { $0 + $1.multiplyAdds } }

    /// - Throws: `SupernetError.shape` for sizes that the skeleton cannot have.
    init(
        _ genotype: Genotype, stemMultiplier: Int, shape: SupernetShape, auxiliary hasAuxiliary: Bool, images: Int
    ) throws(SupernetError) {
        let reductions = try shape.reductions(of: genotype.space)
        guard !hasAuxiliary || shape.imageSize >> reductions.count == AuxiliaryHead.size && images > 1 else {
            throw .shape(
                "an auxiliary head needs images of \(AuxiliaryHead.size << reductions.count) pixels, and two of them a shard, not "
                    + "\(shape.imageSize) pixels and \(images)")
        }
        let (arena, running) = (arena, running)
        var parameters = ParameterDirectory()
        let clock = PassClock(layers: shape.cells + 2)
        let headLayer = shape.cells + 1
        // Cells keep what they compute until the step ends: to the stem they are one layer.
        stem = Stem(
            images: images, inputChannels: shape.inputChannels, channels: stemMultiplier * shape.channels,
            size: shape.imageSize, parameters: &parameters,
            memory: LayerMemory(arena: arena, clock: clock, layer: 0), running: running)
        /// A node that a layer hands on to the two after it.
        func handedOn(_ value: BlockedTensor, by layer: Int, padding: Int) -> CellNode {
            let reader = hasAuxiliary ? headLayer : min(layer + 2, headLayer)
            return CellNode(
                value: value, padding: padding, dependsOnAlphas: false, arena: arena,
                gradientDuring: clock.backward(reader).lowerBound...clock.backward(layer).upperBound)
        }
        stemNode = handedOn(stem.output.training, by: 0, padding: 0)
        let store = ScratchStore(images: images, arena: arena, running: running)
        var previous = ([stemNode], [stemNode])
        var channels = shape.channels
        var reducedBefore = false
        var cells: [FinalCell] = []
        var firstEdge = 0
        for index in 0..<shape.cells {
            let isReduction = reductions.contains(index)
            if isReduction { channels *= 2 }
            let layer = index + 1
            let start = parameters.count
            let inputSize = previous.1[0].value.height
            let size = isReduction ? inputSize / 2 : inputSize
            let edges = genotype.placed(ofCellType: isReduction ? 1 : 0)
            func preprocess(_ number: Int, _ parameters: inout ParameterDirectory) -> any NormalizedOperation {
                let prefix = "cells.\(index).preprocess\(number)."
                let sources = number == 0 ? previous.0 : previous.1
                if number == 0 && reducedBefore {
                    return FactorizedReduction(
                        sources: sources, outputs: channels, prefix: prefix, in: &parameters, arena: arena,
                        store: store)
                }
                return RectifiedPointwise(
                    sources: sources, outputs: channels, prefix: prefix, in: &parameters, arena: arena, store: store)
            }
            let preprocesses = [preprocess(0, &parameters), preprocess(1, &parameters)]
            func value(_ size: Int) -> BlockedTensor {
                arena.tensor(
                    images: images, channels: channels, height: size, width: size,
                    during: clock.forward(layer)...clock.backward(layer).upperBound)
            }
            /// Zero pixels that the operations on a node need around it.
            func padding(_ node: Int) -> Int { edges.map { $0.source == node ? $0.padding : 0 }.max() ?? 0 }
            let inputs = (0..<2).map { node in
                CellNode(
                    value: value(inputSize), padding: padding(node), dependsOnAlphas: false, arena: arena,
                    gradientDuring: clock.backward(layer))
            }
            let last = edges.map(\.node).max() ?? 1
            let nodes = inputs + (2...last).map { handedOn(value(size), by: layer, padding: padding($0)) }
            let cell = FinalCell(
                nodes: nodes, preprocesses: preprocesses, edges: edges, firstEdge: firstEdge, isReduction: isReduction,
                start: start, ends: nil, parameters: &parameters, arena: arena, store: store
            ) { edge, place, source, pool, parameters in
                let prefix = "cells.\(index)._ops.\(place)."
                let stride = isReduction && edge.source < 2 ? 2 : 1
                func separable(_ kernel: Int, _ isSeparable: Bool) -> FinalEdge.Operation {
                    .normalized(
                        SeparableOperation(
                            source: source, kernel: kernel, isSeparable: isSeparable, stride: stride,
                            prefix: prefix + "op.", in: &parameters, arena: arena, store: store))
                }
                switch edge.operation {
                case "max_pool_3x3": return .pooled(pool(.maximum))
                case "avg_pool_3x3": return .pooled(pool(.average))
                case "skip_connect" where stride == 1: return .identity
                case "skip_connect":
                    return .normalized(
                        FactorizedReduction(
                            sources: [source], outputs: channels, prefix: prefix, in: &parameters, arena: arena,
                            store: store))
                case "sep_conv_3x3": return separable(3, true)
                case "sep_conv_5x5": return separable(5, true)
                case "dil_conv_3x3": return separable(3, false)
                case "dil_conv_5x5": return separable(5, false)
                default: return nil
                }
            }
            cells.append(cell)
            firstEdge += edges.count
            previous = (previous.1, cell.output)
            reducedBefore = isReduction
        }
        self.cells = cells
        auxiliary =
            hasAuxiliary
            ? AuxiliaryHead(
                sources: cells[reductions.max() ?? 0].output, classes: shape.classes, parameters: &parameters,
                running: running, arena: arena)
            : nil
        head = DARTSHead(
            pieces: previous.1.map(\.value), classes: shape.classes, parameters: &parameters, arena: arena)
        self.parameters = parameters
    }

    func load(weights: UnsafePointer<Float>) {
        stem.load(weights)
        for cell in cells { cell.load(weights) }
        auxiliary?.load(weights)
        head.load(weights)
    }

    func draw(_ drop: DropPath?, _ indices: [Int]) {
        for cell in cells { cell.draw(drop, indices) }
    }

    func forward(
        images: UnsafePointer<Float>, labels: UnsafePointer<UInt8>, wantsGradient: Bool
    ) -> (loss: Double, correct: Int) {
        stem.forward(images, .training)
        for image in 0..<stemNode.images {
            Rectifier.forward(stemNode.value, image: image, into: stemNode.rectified, targetImage: image)
        }
        for cell in cells { cell.forward() }
        return head.forward(labels: labels, wantsGradient: wantsGradient)
    }

    func backwardHead(_ weightsGradient: UnsafeMutablePointer<Float>) {
        head.backward(weightsGradient: weightsGradient)
    }

    func backwardCells(_ weightsGradient: UnsafeMutablePointer<Float>, ready: (Range<Int>) -> Void) {
        for (index, cell) in cells.enumerated().reversed() {
            cell.backward(
                head: index == cells.count - 1 ? head.gradient : nil, weightsGradient: weightsGradient)
            ready(cell.range)
        }
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

extension Genotype.PlacedOperation {
    /// Zero pixels that the operation needs around its input.
    fileprivate var padding: Int {
        switch operation {
        case "sep_conv_3x3": 1
        case "sep_conv_5x5", "dil_conv_3x3": 2
        case "dil_conv_5x5": 4
        default: 0
        }
    }
}
