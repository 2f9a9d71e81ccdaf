import Kernels

/// One searched cell of NAS-Bench-201: four nodes, six edges of five operations; node i is the sum over its edges.
///
/// A pass goes from source to source. Forward, a few images of a node are summed, rectified and convolved for all
/// outgoing edges while they are in cache; batch norm's statistics are complete when all images are through. Backward,
/// the gradients of an edge's convolutions come from those of its node in one sweep, and lead to gradients by weights and
/// to the node's own gradient, whose sums with what its edges added are taken at once. Pooled and rectified nodes are
/// cheaper to compute again than to keep.
final class NASBench201Cell {
    private enum Operation {
        static let skip = 1
        static let convolution1 = 2
        static let convolution3 = 3
        static let pool = 4
        static let convolutions = [convolution1, convolution3]
        static let count = 5
    }

    /// One edge's convolutions, 1×1 and 3×3, and the batch norms behind them.
    private struct Edge {
        let source: Int
        let node: Int
        let convolutions: [ConvolutionLayer]
        let norms: [BatchNorm]
        /// The convolutions' outputs.
        let outputs: [Intermediate]
    }

    let range: Range<Int>
    let output: Signal
    private let images: Int
    private let input: Signal
    private let scratch: StageScratch
    private let edges: [Edge]
    /// Numbers of the edges into and out of each node.
    private let incoming: [[Int]]
    private let outgoing: [[Int]]
    /// Nodes 1 and 2, and their gradients.
    private let inner: [Intermediate]
    private let innerGradients: [BlockedTensor]
    /// For each node what its gradient is multiplied with: the outputs of its edges' convolutions, ...
    private let convolved: [[BlockedTensor]]
    /// ... then the sources of its edges.
    private let sources: [[BlockedTensor]]

    init(
        index: Int, input: Signal, scratch: StageScratch, parameters: inout ParameterDirectory, memory: LayerMemory
    ) {
        let (channels, size, images) = (input.channels, input.height, input.images)
        let shape = LayerMemory.Shape(images: images, channels: channels, size: size)
        let pairs = SearchSpace.nasbench201.edges
        self.images = images
        self.input = input
        self.scratch = scratch
        incoming = (0..<4).map { node in pairs.indices.filter { pairs[$0].node == node } }
        outgoing = (0..<4).map { node in pairs.indices.filter { pairs[$0].source == node } }
        let start = parameters.count
        var edges: [Edge] = []
        for (number, pair) in pairs.enumerated() {
            let slot = outgoing[pair.source].firstIndex(of: number) ?? 0
            let layers = zip(Self.convolutions(channels), 0...).map { convolution, i in
                ConvolutionLayer(
                    convolution,
                    named: "cells.\(index).edges.\(pair.name).\(Operation.convolutions[i]).op.1.weight",
                    in: &parameters, arena: memory.arena, tiles: i == 1 ? scratch.tiles : nil,
                    scratch: scratch.weightsGradients[slot][i])
            }
            edges.append(
                Edge(
                    source: pair.source, node: pair.node, convolutions: layers,
                    norms: layers.map { _ in
                        BatchNorm(channels: channels, count: images * size * size, arena: memory.arena)
                    },
                    outputs: layers.map { _ in memory.intermediate(shape, pair.source...pair.node) }))
        }
        range = start..<parameters.count
        self.edges = edges
        inner = (1...2).map { memory.intermediate(shape, $0...3) }
        innerGradients = (1...2).map { _ in memory.backward(shape) }
        output = memory.output(shape)
        let nodes = [input.training] + inner.map(\.training)
        convolved = incoming.map { numbers in numbers.flatMap { edges[$0].outputs.map(\.training) } }
        sources = incoming.map { numbers in numbers.map { nodes[edges[$0].source] } }
    }

    /// The convolutions of an edge, in the order of their operations.
    static func convolutions(_ channels: Int) -> [Convolution] {
        [1, 3].map { Convolution(inputChannels: channels, outputChannels: channels, kernel: $0) }
    }

    func load(_ weights: UnsafePointer<Float>) {
        for edge in edges { for layer in edge.convolutions { layer.load(weights) } }
    }

    private func node(_ node: Int, _ pass: ForwardPass) -> BlockedTensor {
        switch node {
        case 0: input[pass]
        case 3: output[pass]
        default: inner[node - 1][pass]
        }
    }

    private func gradient(_ node: Int) -> BlockedTensor {
        switch node {
        case 0: input.gradient
        case 3: output.gradient
        default: innerGradients[node - 1]
        }
    }

    // MARK: Forward

    /// - Parameter mixture: the weight of each operation on each edge, (edges, operations). In an evaluation an operation
    ///   of weight 0 is not computed.
    func forward(_ mixture: UnsafePointer<Double>, _ pass: ForwardPass) {
        for node in 0..<4 {
            let sum = node > 0 ? NodeSum(self, node, mixture, pass) : nil
            var convolves = false
            for edge in outgoing[node] {
                for i in 0..<2 where computes(Operation.convolutions[i], edge, mixture, pass) {
                    edges[edge].norms[i].clearSums()
                    convolves = true
                }
            }
            var first = 0
            while first < images {
                let group = first..<min(first + scratch.group, images)
                for image in group {
                    prepare(node, image, sum, pass, rectified: convolves ? image - first : nil)
                }
                if convolves { scratch.tiles?.load(scratch.rectified, images: group.count) }
                for edge in outgoing[node] {
                    for i in 0..<2 where computes(Operation.convolutions[i], edge, mixture, pass) {
                        edges[edge].convolutions[i].forward(
                            scratch.rectified, images: group.count, into: edges[edge].outputs[i][pass],
                            first: group.lowerBound, sums: edges[edge].norms[i].sums)
                    }
                }
                first = group.upperBound
            }
            for edge in outgoing[node] {
                for i in 0..<2 where computes(Operation.convolutions[i], edge, mixture, pass) {
                    edges[edge].norms[i].finishForward(
                        weight: mixture[edge * Operation.count + Operation.convolutions[i]])
                }
            }
        }
    }

    private func computes(
        _ operation: Int, _ edge: Int, _ mixture: UnsafePointer<Double>, _ pass: ForwardPass
    ) -> Bool {
        pass == .training || mixture[edge * Operation.count + operation] != 0
    }

    /// The summands of a node.
    private struct NodeSum {
        var terms = WeightedTerms()
        var pooled = WeightedTerms()
        let constants: UnsafePointer<Float>

        init(
            _ cell: NASBench201Cell, _ node: Int, _ mixture: UnsafePointer<Double>, _ pass: ForwardPass
        ) {
            let scratch = cell.scratch
            constants = scratch.coefficient(0, slot: 6)
            let shift = UnsafeMutablePointer(mutating: constants)
            for (slot, number) in cell.incoming[node].enumerated() {
                let edge = cell.edges[number]
                let weights = mixture + number * Operation.count
                let source = cell.node(edge.source, pass)
                if cell.computes(Operation.skip, number, mixture, pass) {
                    terms.append(source, scratch.coefficient(weights[Operation.skip], slot: slot))
                }
                if cell.computes(Operation.pool, number, mixture, pass) {
                    pooled.append(source, scratch.coefficient(weights[Operation.pool], slot: 3 + slot))
                }
                for i in 0..<2 where cell.computes(Operation.convolutions[i], number, mixture, pass) {
                    terms.append(edge.outputs[i][pass], edge.norms[i].scale)
                    for channel in 0..<cell.input.channels { shift[channel] += edge.norms[i].shift[channel] }
                }
            }
        }
    }

    /// Sums an image of a node (but node 0, which is there), and rectifies it.
    ///
    /// - Parameter rectified: the image in the scratch; nil if no convolution needs it.
    private func prepare(_ node: Int, _ image: Int, _ sum: NodeSum?, _ pass: ForwardPass, rectified: Int?) {
        let target = self.node(node, pass)
        if let sum {
            WeightedSum.compute(
                sum.terms, pooled: sum.pooled, pool: scratch.pool, constants: sum.constants, image: image,
                into: ImageOf(target, image: image),
                rectified: rectified.map { ImageOf(scratch.rectified, image: $0) })
        } else if let rectified {
            Rectifier.forward(target, image: image, into: scratch.rectified, targetImage: rectified)
        }
    }

    // MARK: Backward

    /// After a training forward pass, takes the output's gradient and leaves the input's if it is wanted.
    ///
    /// - Parameters:
    ///   - betas: (edges, operations), as in the forward pass.
    ///   - weightsGradient: the whole flat gradient; nil if only the alphas' is wanted.
    ///   - betaGradient: the gradient by β, (edges, operations), is added to it; nil if only the weights' is wanted.
    func backward(
        _ betas: UnsafePointer<Double>, wantsInput: Bool, weightsGradient: UnsafeMutablePointer<Float>?,
        betaGradient: UnsafeMutablePointer<Double>?
    ) {
        clearSums(node: 3)
        for image in 0..<images { addSums(node: 3, image, wantsBetas: betaGradient != nil) }
        finishSums(node: 3, betas, betaGradient)
        for node in stride(from: 2, through: 0, by: -1) {
            let wanted = node > 0 || wantsInput
            if !wanted && weightsGradient == nil { return }
            backward(node, betas, wanted: wanted, weightsGradient, wantsBetas: betaGradient != nil)
            if node > 0 { finishSums(node: node, betas, betaGradient) }
        }
    }

    private func backward(
        _ node: Int, _ betas: UnsafePointer<Double>, wanted: Bool, _ weightsGradient: UnsafeMutablePointer<Float>?,
        wantsBetas: Bool
    ) {
        var skips = WeightedTerms()
        var pools = WeightedTerms()
        for (slot, edge) in outgoing[node].enumerated() {
            let d = gradient(edges[edge].node)
            let weights = betas + edge * Operation.count
            skips.append(d, scratch.coefficient(weights[Operation.skip], slot: slot))
            pools.append(d, scratch.coefficient(weights[Operation.pool], slot: 3 + slot))
            if weightsGradient != nil { for layer in edges[edge].convolutions { layer.clearWeightsGradient() } }
        }
        clearSums(node: node)
        let x = self.node(node, .training)
        var first = 0
        while first < images {
            let group = first..<min(first + scratch.group, images)
            for image in group {
                Rectifier.forward(x, image: image, into: scratch.rectified, targetImage: image - first)
            }
            if weightsGradient != nil { scratch.tiles?.load(scratch.rectified, images: group.count) }
            for (slot, edge) in outgoing[node].enumerated() {
                var turn: ConvolutionLayer.Turn = slot == 0 ? .first : []
                if slot == outgoing[node].count - 1 { turn.insert(.last) }
                backward(edges[edge], group, turn, wantsInput: wanted, wantsWeights: weightsGradient != nil)
            }
            if wanted {
                for image in group {
                    WeightedSum.gradient(
                        skips, pooled: pools, pool: scratch.pool, image: image,
                        r: ImageOf(scratch.dRectified, image: image - first),
                        x: ImageOf(scratch.rectified, image: image - first),
                        into: ImageOf(gradient(node), image: image))
                    addSums(node: node, image, wantsBetas: wantsBetas)
                }
            }
            first = group.upperBound
        }
        guard let weightsGradient else { return }
        for edge in outgoing[node] {
            for layer in edges[edge].convolutions { layer.storeWeightsGradient(into: weightsGradient) }
        }
    }

    /// The convolutions of one edge, for a few images whose rectified source is in the scratch.
    ///
    /// - Parameter turn: the edge's among those that give the source a gradient.
    private func backward(
        _ edge: Edge, _ group: Range<Int>, _ turn: ConvolutionLayer.Turn, wantsInput: Bool, wantsWeights: Bool
    ) {
        let d = gradient(edge.node)
        for image in group {
            let slot = image - group.lowerBound
            NormGradient.compute(
                d, image: image,
                edge.norms[0].gradient(edge.outputs[0].training, into: scratch.dy[0], targetImage: slot),
                edge.norms[1].gradient(edge.outputs[1].training, into: scratch.dy[1], targetImage: slot))
        }
        for i in 0..<2 {
            // The first 1×1 convolution writes, all others add to it; the 3×3 ones may do so together at the end.
            edge.convolutions[i].backward(
                scratch.rectified, scratch.dy[i], images: group.count, wantsWeights: wantsWeights,
                into: wantsInput ? scratch.dRectified : nil, accumulate: !(turn.contains(.first) && i == 0),
                turn: i == 0 ? .only : turn)
        }
    }

    // MARK: Sums of a node's gradient

    // Rows of `scratch.sums` for a node with E incoming edges: Σ d; with the convolutions' outputs, 2 E; with the
    // sources, E; with the pooled sources, E.

    private func clearSums(node: Int) {
        scratch.sums.update(repeating: 0, count: (1 + 4 * incoming[node].count) * scratch.paddedChannels)
    }

    private func addSums(node: Int, _ image: Int, wantsBetas: Bool) {
        guard node > 0 else { return }
        let d = gradient(node)
        ChannelSums.accumulate(d, convolved[node], image: image, into: scratch.sums)
        guard wantsBetas else { return }
        let next = scratch.sums + (1 + 2 * incoming[node].count) * scratch.paddedChannels
        ChannelSums.accumulateMixed(
            d, sources[node], image: image, pool: scratch.pool, ones: scratch.ones, into: next)
    }

    /// Takes what batch norms need and the gradients by β from the sums over all images.
    private func finishSums(
        node: Int, _ betas: UnsafePointer<Double>, _ betaGradient: UnsafeMutablePointer<Double>?
    ) {
        let count = incoming[node].count
        for (slot, number) in incoming[node].enumerated() {
            for i in 0..<2 {
                let operation = number * Operation.count + Operation.convolutions[i]
                let total = edges[number].norms[i].finishBackward(
                    weight: betas[operation], dSum: scratch.sum(0), dySum: scratch.sum(1 + 2 * slot + i))
                if let betaGradient { betaGradient[operation] += total }
            }
            guard let betaGradient else { continue }
            let row = betaGradient + number * Operation.count
            row[Operation.skip] += total(scratch.sum(1 + 2 * count + slot))
            row[Operation.pool] += total(scratch.sum(1 + 3 * count + slot))
        }
    }

    private func total(_ sums: UnsafePointer<Double>) -> Double {
        var sum = 0.0
        for channel in 0..<input.channels { sum += sums[channel] }
        return sum
    }
}
