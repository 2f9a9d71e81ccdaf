import Kernels

/// One cell of the DARTS space: two input nodes, made from the outputs of the two cells before, and nodes that are sums
/// over edges from all nodes before them. The output is these nodes one after the other along the channels.
final class DARTSCell {
    /// Input nodes of a cell.
    static let inputs = 2

    /// All weights of the cell.
    let range: Range<Int>
    /// What the cell hands on.
    var output: [CellNode] { Array(nodes.dropFirst(DARTSCell.inputs)) }
    private let preprocesses: [any NormalizedOperation]
    private let nodes: [CellNode]
    private let edges: [DARTSEdge]
    /// By node: what its edges pooled.
    private let pools: [[PooledNode]]
    private let inputScratch: ShapeScratch
    private let nodeScratch: ShapeScratch

    /// - Parameters:
    ///   - index: number of the cell.
    ///   - edges: of its type, with their rows in the alphas.
    ///   - channels: of its nodes.
    ///   - previous: the outputs of the two cells before, the farther one first.
    ///   - isReduction: whether nodes have half the size of the input nodes.
    ///   - reducesFirst: whether the farther input has twice the size of the nearer one.
    init(
        index: Int, space: SearchSpace, edges rows: [(row: Int, edge: SearchSpace.Edge)], noise: NoiseSource,
        channels: Int,
        previous: ([CellNode], [CellNode]), isReduction: Bool, reducesFirst: Bool,
        parameters: inout ParameterDirectory, arena: Arena, store: ScratchStore
    ) {
        let start = parameters.count
        let images = previous.1[0].images
        let inputSize = previous.1[0].value.height
        let size = isReduction ? inputSize / 2 : inputSize
        inputScratch = store.scratch(channels: channels, size: inputSize)
        nodeScratch = store.scratch(channels: channels, size: size)
        func preprocess(_ number: Int, _ parameters: inout ParameterDirectory) -> any NormalizedOperation {
            let prefix = "cells.\(index).preprocess\(number)."
            if number == 0 && reducesFirst {
                return FactorizedReduction(
                    sources: previous.0, outputs: channels, prefix: prefix, in: &parameters, arena: arena,
                    store: store)
            }
            return RectifiedPointwise(
                sources: number == 0 ? previous.0 : previous.1, outputs: channels, prefix: prefix, in: &parameters,
                arena: arena, store: store)
        }
        preprocesses = [preprocess(0, &parameters), preprocess(1, &parameters)]
        let intermediate = (rows.map(\.edge.node).max() ?? 1) + 1 - DARTSCell.inputs
        let lastSource = rows.map(\.edge.source).max() ?? 0
        var nodes = [previous.0, previous.1].map { source in
            CellNode(
                value: arena.tensor(
                    images: images, channels: channels, height: inputSize, width: inputSize,
                    during: ShapeScratch.always),
                padding: ShapeScratch.padding, dependsOnAlphas: source.contains { $0.dependsOnAlphas }, arena: arena)
        }
        for node in 0..<intermediate {
            nodes.append(
                CellNode(
                    value: arena.tensor(
                        images: images, channels: channels, height: size, width: size, during: ShapeScratch.always),
                    padding: node + DARTSCell.inputs <= lastSource ? ShapeScratch.padding : 0, dependsOnAlphas: true,
                    arena: arena))
        }
        var pools: [[PooledNode.Kind: PooledNode]] = nodes.map { _ in [:] }
        var edges: [DARTSEdge] = []
        for (number, (row, edge)) in rows.enumerated() {
            let input = nodes[edge.source]
            let stride = isReduction && edge.source < DARTSCell.inputs ? 2 : 1
            func pool(_ kind: PooledNode.Kind) -> PooledNode {
                if let found = pools[edge.source][kind] { return found }
                let made = PooledNode(kind, of: input, stride: stride, arena: arena, store: store)
                pools[edge.source][kind] = made
                return made
            }
            edges.append(
                DARTSEdge(
                    edge, row: row, stride: stride, space: space, noise: noise, input: input, pool: pool,
                    prefix: "cells.\(index)._ops.\(number)._ops.", parameters: &parameters, arena: arena,
                    store: store))
        }
        self.nodes = nodes
        self.edges = edges
        self.pools = pools.map { kinds in [kinds[.maximum], kinds[.average]].compactMap { $0 } }
        range = start..<parameters.count
    }

    var multiplyAdds: Int {
        preprocesses.reduce(0) { $0 + $1.multiplyAdds } + edges.reduce(0) { $0 + $1.multiplyAdds }
    }

    func load(_ weights: UnsafePointer<Float>) {
        for preprocess in preprocesses { preprocess.load(weights) }
        for edge in edges { edge.load(weights) }
    }

    /// - Parameter mixture: the weight of each operation on each edge of the space; in an evaluation, 0 means not
    ///   computed.
    func forward(_ mixture: UnsafePointer<Double>, _ pass: ForwardPass) {
        for (preprocess, node) in zip(preprocesses, nodes) {
            preprocess.forward(pass)
            preprocess.norm.prepareForward()
            let terms = WeightedTerms(preprocess.output, preprocess.norm.a)
            for image in 0..<node.images {
                WeightedSum.compute(
                    terms, constants: preprocess.norm.constants, image: image, into: ImageOf(node.value, image: image),
                    rectified: ImageOf(node.rectified, image: image))
            }
        }
        for (index, node) in nodes.enumerated() {
            if index >= DARTSCell.inputs { sum(into: node, edges.filter { $0.node == index }, mixture, pass) }
            for pool in pools[index] where edges.contains(where: { $0.uses(pool, mixture, pass) }) { pool.forward() }
        }
    }

    private func sum(
        into node: CellNode, _ incoming: [DARTSEdge], _ mixture: UnsafePointer<Double>, _ pass: ForwardPass
    ) {
        let active = incoming.filter { $0.isActive(mixture, pass) }
        for (number, edge) in active.enumerated() {
            edge.forward(
                mixture, pass, into: node, accumulate: number > 0, isLast: number == active.count - 1)
        }
        guard active.isEmpty else { return }
        for image in 0..<node.images {
            node.value.clear(image: image)
            node.rectified.clear(image: image)
        }
    }

    /// - Parameters:
    ///   - head: gives the gradient of one image of an output node, if the cell is the last one.
    ///   - betas: as in the forward pass.
    ///   - weightsGradient: the whole flat gradient; nil if only the alphas' is wanted.
    ///   - betaGradient: Σ over cells of the gradient by β; nil if only the weights' is wanted.
    func backward(
        head: ((_ node: Int, _ image: Int, _ gradient: BlockedTensor) -> Void)?,
        _ betas: UnsafePointer<Double>, weightsGradient: UnsafeMutablePointer<Float>?,
        betaGradient: UnsafeMutablePointer<Double>?
    ) {
        let wantsWeights = weightsGradient != nil
        for pool in pools.joined() { pool.clearGradientSums() }
        for index in nodes.indices.reversed() {
            let node = nodes[index]
            if !node.dependsOnAlphas && !wantsWeights { continue }
            let gradient = self.gradient(of: index)
            gather(index, betas, head: index >= DARTSCell.inputs ? head : nil, into: gradient)
            if index >= DARTSCell.inputs {
                for edge in edges where edge.node == index {
                    edge.backward(gradient, betas, weightsGradient: weightsGradient, betaGradient: betaGradient)
                }
            } else {
                let preprocess = preprocesses[index]
                let sums = inputScratch.clearedSums()
                for image in 0..<node.images {
                    ChannelSums.accumulate(gradient, preprocess.output, image: image, into: sums)
                }
                preprocess.norm.prepareBackward(weight: 1, dSum: sums, dySum: sums + inputScratch.padded)
                preprocess.backward(gradient, wantsInput: true, weightsGradient: weightsGradient)
            }
        }
    }

    private func gradient(of node: Int) -> BlockedTensor {
        node < DARTSCell.inputs ? inputScratch.nodes[4 + node] : nodeScratch.nodes[node - DARTSCell.inputs]
    }

    /// The gradient of a node, once everything that reads it has been through its own backward pass.
    private func gather(
        _ index: Int, _ betas: UnsafePointer<Double>,
        head: ((_ node: Int, _ image: Int, _ gradient: BlockedTensor) -> Void)?, into gradient: BlockedTensor
    ) {
        let node = nodes[index]
        let scratch = index < DARTSCell.inputs ? inputScratch : nodeScratch
        let outgoing = edges.filter { $0.source == index }
        var terms = WeightedTerms()
        if head != nil { terms.append(gradient, scratch.ones) }
        for (slot, edge) in outgoing.enumerated() {
            guard let weight = edge.identityWeight(betas) else { continue }
            terms.append(self.gradient(of: edge.node), scratch.scalar(weight, slot: slot))
        }
        for pool in pools[index] {
            pool.prepareBackward(
                outgoing.compactMap { edge in
                    edge.weight(of: pool, betas).map { (self.gradient(of: edge.node), $0) }
                })
        }
        for image in 0..<node.images {
            head?(index - DARTSCell.inputs, image, gradient)
            node.gatherGradient(terms, image, pool: scratch.pool, into: gradient)
            for pool in pools[index] { pool.addGradient(image, into: gradient) }
        }
        node.hasGradient = false
    }
}
