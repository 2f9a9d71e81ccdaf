import Kernels

/// Gradients and scratch that the cells of one stage share.
final class StageGradients {
    /// Gradients of a cell's nodes. After a cell's backward pass its input's gradient is in `nodes[0]`.
    var nodes: [BlockedTensor]
    /// Gradients of the rectified nodes 0, 1, 2.
    let rectified: [BlockedTensor]
    /// One image, padded: gradient of a convolution's output.
    let dy: BlockedTensor
    /// One image: gradient of pooled outputs.
    let pooled: BlockedTensor
    /// (3 sources, 5, blocks × 8).
    private let sums: UnsafeMutablePointer<Double>
    /// Channels, filled up to whole blocks.
    let sumsCount: Int
    let scalars: UnsafeMutablePointer<Float>

    init(images: Int, channels: Int, size: Int, arena: Arena) {
        nodes = (0..<4).map { _ in arena.tensor(images: images, channels: channels, height: size, width: size) }
        rectified = (0..<3).map { _ in arena.tensor(images: images, channels: channels, height: size, width: size) }
        dy = arena.tensor(images: 1, channels: channels, height: size, width: size, padding: 1)
        pooled = arena.tensor(images: 1, channels: channels, height: size, width: size)
        sumsCount = (channels + 7) / 8 * 8
        sums = arena.doubles(3 * 5 * sumsCount)
        scalars = arena.floats(6 * sumsCount)
    }

    /// (5, blocks × 8): sums of a node's gradient with what the edge from `source` added to the node.
    func sums(ofSource source: Int) -> UnsafeMutablePointer<Double> { sums + source * 5 * sumsCount }

    /// A coefficient for every channel; slots 0 ..< 6.
    func scalar(_ value: Double, slot: Int) -> UnsafePointer<Float> {
        let target = scalars + slot * sumsCount
        target.update(repeating: Float(value), count: sumsCount)
        return UnsafePointer(target)
    }
}

/// One searched cell of NAS-Bench-201: four nodes, six edges of five operations; node i is the sum over its edges.
final class NASBench201Cell {
    private enum Operation {
        static let skip = 1
        static let convolution1 = 2
        static let convolution3 = 3
        static let pool = 4
    }

    /// One edge's convolutions with their outputs before batch norm.
    private struct Edge {
        let convolutions: [ConvolutionLayer]
        let norms: [BatchNorm]
        let outputs: [BlockedTensor]
    }

    let range: Range<Int>
    private let images: Int
    private var nodes: [BlockedTensor]
    /// max(x, 0) of nodes 0, 1, 2, padded: serves all convolutions of the node's outgoing edges.
    private let rectified: [BlockedTensor]
    private let pooled: [BlockedTensor]
    private let edges: [Edge]
    private let gradients: StageGradients
    private let pairs = SearchSpace.nasbench201.edges

    var output: BlockedTensor { nodes[3] }

    init(
        index: Int, input: BlockedTensor, gradients: StageGradients, parameters: inout ParameterDirectory,
        arena: Arena, scratch: UnsafeMutablePointer<Float>
    ) {
        let (channels, size) = (input.channels, input.height)
        let images = input.images
        func tensor(padding: Int = 0) -> BlockedTensor {
            arena.tensor(images: images, channels: channels, height: size, width: size, padding: padding)
        }
        self.images = images
        self.gradients = gradients
        nodes = [input] + (0..<3).map { _ in tensor() }
        rectified = (0..<3).map { _ in tensor(padding: 1) }
        pooled = (0..<3).map { _ in tensor() }
        let start = parameters.count
        var edges: [Edge] = []
        for pair in SearchSpace.nasbench201.edges {
            let layers = [Operation.convolution1, Operation.convolution3].map { operation in
                ConvolutionLayer(
                    Convolution(
                        inputChannels: channels, outputChannels: channels,
                        kernel: operation == Operation.convolution1 ? 1 : 3),
                    named: "cells.\(index).edges.\(pair.name).\(operation).op.1.weight", in: &parameters, arena: arena,
                    scratch: scratch)
            }
            edges.append(
                Edge(
                    convolutions: layers,
                    norms: layers.map { _ in BatchNorm(channels: channels, count: images * size * size, arena: arena) },
                    outputs: layers.map { _ in tensor() }))
        }
        self.edges = edges
        range = start..<parameters.count
    }

    func load(_ weights: UnsafePointer<Float>) {
        for edge in edges { for layer in edge.convolutions { layer.load(weights) } }
    }

    /// - Parameter mixture: the weight of each operation on each edge, (edges, operations); 0 means not computed.
    func forward(_ mixture: [[Double]]) {
        for node in 0..<4 {
            let outgoing = pairs.indices.filter { pairs[$0].source == node }.map { mixture[$0] }
            let needs = Needs(
                rectified: outgoing.contains { $0[Operation.convolution1] != 0 || $0[Operation.convolution3] != 0 },
                pooled: outgoing.contains { $0[Operation.pool] != 0 })
            if node > 0 {
                sum(into: node, mixture, needs)
            } else {
                for image in 0..<images { prepare(node, image, needs) }
            }
        }
    }

    /// What the outgoing edges of a node need of it.
    private struct Needs {
        let rectified: Bool
        let pooled: Bool
    }

    /// What the outgoing edges of a node share, for one image: right after the image was summed, while it is in cache.
    private func prepare(_ node: Int, _ image: Int, _ needs: Needs) {
        if needs.rectified {
            Rectifier.forward(nodes[node], image: image, into: rectified[node], targetImage: image)
        }
        if needs.pooled { AveragePool3.forward(nodes[node], image: image, into: pooled[node], outputImage: image) }
    }

    private func sum(into node: Int, _ mixture: [[Double]], _ needs: Needs) {
        let active = pairs.indices.filter { index in
            pairs[index].node == node && mixture[index].dropFirst().contains { $0 != 0 }
        }
        for index in active {
            let weights = mixture[index]
            let edge = edges[index]
            let terms = self.terms(of: edge, source: pairs[index].source, weights)
            let constants = gradients.scalar(0, slot: 5)
            let target = UnsafeMutablePointer(mutating: constants)
            for (i, operation) in [Operation.convolution1, Operation.convolution3].enumerated()
            where weights[operation] != 0 {
                for channel in 0..<nodes[0].channels { target[channel] += edge.norms[i].constants[channel] }
            }
            for image in 0..<images {
                WeightedSum.compute(
                    terms, constants: constants, image: image, into: nodes[node], targetImage: image,
                    accumulate: index != active.first)
                if index == active.last { prepare(node, image, needs) }
            }
        }
        if active.isEmpty {
            for image in 0..<images {
                nodes[node].clear(image: image)
                prepare(node, image, needs)
            }
        }
    }

    /// Convolves where needed and gives the summands of one edge.
    private func terms(of edge: Edge, source: Int, _ weights: [Double]) -> [WeightedTerm] {
        var terms: [WeightedTerm] = []
        if weights[Operation.skip] != 0 {
            terms.append(WeightedTerm(nodes[source], gradients.scalar(weights[Operation.skip], slot: 0)))
        }
        if weights[Operation.pool] != 0 {
            terms.append(WeightedTerm(pooled[source], gradients.scalar(weights[Operation.pool], slot: 1)))
        }
        let wanted = [weights[Operation.convolution1], weights[Operation.convolution3]]
        for i in 0..<2 where wanted[i] != 0 { edge.norms[i].clearSums() }
        for image in 0..<images {
            for i in 0..<2 where wanted[i] != 0 {
                edge.convolutions[i].forward(rectified[source], image, into: edge.outputs[i], sums: edge.norms[i].sums)
            }
        }
        for i in 0..<2 where wanted[i] != 0 {
            edge.norms[i].finishForward(weight: wanted[i])
            terms.append(WeightedTerm(edge.outputs[i], UnsafePointer(edge.norms[i].a)))
        }
        return terms
    }

    /// Takes the output's gradient in `gradients.nodes[3]`; leaves the input's in `gradients.nodes[0]` if wanted.
    ///
    /// - Parameters:
    ///   - betas: (edges, operations), as in the forward pass.
    ///   - weightsGradient: the whole flat gradient; nil if only the alphas' is wanted.
    ///   - betaGradient: Σ over cells of the gradient by β, (edges, operations); nil if only the weights' is wanted.
    func backward(
        _ betas: [[Double]], wantsInput: Bool, weightsGradient: UnsafeMutablePointer<Float>?,
        betaGradient: UnsafeMutablePointer<Double>?
    ) {
        for node in stride(from: 3, through: 1, by: -1) {
            reduce(into: node, wantsBetas: betaGradient != nil)
            for (index, pair) in pairs.enumerated() where pair.node == node {
                backward(
                    edge: index, pair, betas[index], wantsInput: wantsInput || pair.source > 0,
                    weightsGradient: weightsGradient, betaGradient: betaGradient)
            }
            // Every edge that leaves node - 1 has been through its target now.
            if node > 1 || wantsInput { gatherGradient(of: node - 1, betas) }
        }
    }

    /// Sums over pixels of a node's gradient, and of its products with what the node's edges added to it: what batch
    /// norms and the gradients by β need. All edges of an image at a time, while its gradient is in cache.
    private func reduce(into node: Int, wantsBetas: Bool) {
        let incoming = pairs.indices.filter { pairs[$0].node == node }
        let sources = incoming.map { index -> [BlockedTensor] in
            let source = pairs[index].source
            return edges[index].outputs + (wantsBetas ? [nodes[source], pooled[source]] : [])
        }
        for index in incoming {
            gradients.sums(ofSource: pairs[index].source).update(repeating: 0, count: 5 * gradients.sumsCount)
        }
        for image in 0..<images {
            for (i, index) in incoming.enumerated() {
                ChannelSums.accumulate(
                    gradients.nodes[node], sources[i], image: image,
                    into: gradients.sums(ofSource: pairs[index].source))
            }
        }
    }

    private func backward(
        edge index: Int, _ pair: SearchSpace.Edge, _ weights: [Double], wantsInput: Bool,
        weightsGradient: UnsafeMutablePointer<Float>?, betaGradient: UnsafeMutablePointer<Double>?
    ) {
        let edge = edges[index]
        let d = gradients.nodes[pair.node]
        let n = gradients.sumsCount
        let sums = gradients.sums(ofSource: pair.source)
        var byNorm: [Double] = []
        for (i, operation) in [Operation.convolution1, Operation.convolution3].enumerated() {
            byNorm.append(
                edge.norms[i].finishBackward(weight: weights[operation], dSum: sums, dySum: sums + (1 + i) * n))
        }
        if let betaGradient {
            let row = betaGradient + index * weights.count
            row[Operation.skip] += total(sums + 3 * n)
            row[Operation.pool] += total(sums + 4 * n)
            row[Operation.convolution1] += byNorm[0]
            row[Operation.convolution3] += byNorm[1]
        }
        if !wantsInput && weightsGradient == nil { return }
        // Both gradients by weights share one scratch: one convolution after the other.
        for i in [1, 0] {
            if weightsGradient != nil { edge.convolutions[i].clearWeightsGradient() }
            for image in 0..<images {
                WeightedSum.compute(
                    [
                        WeightedTerm(d, UnsafePointer(edge.norms[i].a)),
                        WeightedTerm(edge.outputs[i], UnsafePointer(edge.norms[i].b)),
                    ], constants: UnsafePointer(edge.norms[i].constants), image: image, into: gradients.dy,
                    targetImage: 0, accumulate: false)
                if weightsGradient != nil {
                    edge.convolutions[i].addWeightsGradient(rectified[pair.source], image, gradients.dy, 0)
                }
                if wantsInput {
                    edge.convolutions[i].backward(
                        gradients.dy, 0, into: gradients.rectified[pair.source], image,
                        accumulate: !(pair.node == 3 && i == 1))
                }
            }
            if let weightsGradient { edge.convolutions[i].storeWeightsGradient(into: weightsGradient) }
        }
    }

    private func total(_ sums: UnsafePointer<Double>) -> Double {
        var sum = 0.0
        for channel in 0..<nodes[0].channels { sum += sums[channel] }
        return sum
    }

    /// Gradient of a node from the nodes that it feeds: through skip, pooling and the rectified input of convolutions.
    private func gatherGradient(of node: Int, _ betas: [[Double]]) {
        var skips: [WeightedTerm] = []
        var pools: [WeightedTerm] = []
        for (index, pair) in pairs.enumerated() where pair.source == node {
            let slot = skips.count
            let d = gradients.nodes[pair.node]
            skips.append(WeightedTerm(d, gradients.scalar(betas[index][Operation.skip], slot: slot)))
            pools.append(WeightedTerm(d, gradients.scalar(betas[index][Operation.pool], slot: 3 + slot)))
        }
        let target = gradients.nodes[node]
        for image in 0..<images {
            WeightedSum.compute(pools, image: image, into: gradients.pooled, targetImage: 0, accumulate: false)
            AveragePool3.divideByCount(gradients.pooled, image: 0)
            WeightedSum.compute(skips, image: image, into: target, targetImage: image, accumulate: false)
            AveragePool3.addAdjoint(
                gradients.pooled, dImage: 0, x: nodes[node], xImage: image, rectified: gradients.rectified[node],
                rImage: image, into: target, dxImage: image)
        }
    }
}
