import Kernels

/// One cell of a final network: input nodes, and nodes that are sums over edges of one operation each.
///
/// In DARTS' spaces the input nodes are made of the outputs of the two cells before, and all other nodes are handed on. In
/// NAS-Bench-201 the one input node is what the layer before hands on, and so is the last node.
final class FinalCell {
    /// All weights of the cell.
    let range: Range<Int>
    /// What the cell hands on.
    let output: [CellNode]
    private let nodes: [CellNode]
    /// Of the input nodes; none where they are what comes in.
    private let preprocesses: [any NormalizedOperation]
    private let inputs: Int
    private let edges: [FinalEdge]
    private let incoming: [[FinalEdge]]
    private let outgoing: [[FinalEdge]]
    /// By node: its pooled values.
    private let pools: [[PooledValue]]
    /// By node.
    private let scratches: [ShapeScratch]
    /// By node. In NAS-Bench-201 those of the input and of the last node belong to what is between the layers.
    private let gradients: [BlockedTensor]
    /// Whether the gradient of the last node comes from outside.
    private let takesOutputGradient: Bool
    private let sum: UnsafeMutablePointer<Double>

    /// What makes an edge's operation; none for `none`.
    typealias Maker = (
        _ edge: Genotype.PlacedOperation, _ place: Int, _ source: CellNode, _ pool: (PooledNode.Kind) -> PooledValue,
        _ parameters: inout ParameterDirectory
    ) -> FinalEdge.Operation?

    /// - Parameters:
    ///   - nodes: input nodes first.
    ///   - preprocesses: of the input nodes.
    ///   - placed: the edges, rising by node.
    ///   - firstEdge: number of the first one among those of all cells.
    ///   - start: weights before the cell's.
    ///   - ends: gradients of the first and the last node, where they belong to what is between the layers.
    init(
        nodes: [CellNode], preprocesses: [any NormalizedOperation], edges placed: [Genotype.PlacedOperation],
        firstEdge: Int, isReduction: Bool, start: Int, ends: (input: BlockedTensor, output: BlockedTensor)?,
        parameters: inout ParameterDirectory, arena: Arena, store: ScratchStore, make: Maker
    ) {
        self.nodes = nodes
        self.preprocesses = preprocesses
        let images = nodes[0].images
        inputs = ends == nil ? preprocesses.count : 1
        scratches = nodes.map { store.scratch(channels: $0.value.channels, size: $0.value.height) }
        takesOutputGradient = ends != nil
        output = ends == nil ? Array(nodes.dropFirst(preprocesses.count)) : [nodes[nodes.count - 1]]
        var edges: [FinalEdge] = []
        var pools: [[PooledValue]] = nodes.map { _ in [] }
        for (place, edge) in placed.enumerated() {
            let source = nodes[edge.source]
            let stride = isReduction && edge.source < inputs ? 2 : 1
            func pool(_ kind: PooledNode.Kind) -> PooledValue {
                if let found = pools[edge.source].first(where: { $0.kind == kind && $0.stride == stride }) {
                    return found
                }
                let made = PooledValue(kind, of: source, stride: stride, arena: arena, store: store)
                pools[edge.source].append(made)
                return made
            }
            guard let operation = make(edge, place, source, pool, &parameters) else { continue }
            edges.append(
                FinalEdge(
                    operation, node: edge.node, source: edge.source, number: firstEdge + place, images: images,
                    scratch: scratches[edge.node], arena: arena))
        }
        self.edges = edges
        self.pools = pools
        incoming = nodes.indices.map { node in edges.filter { $0.node == node } }
        outgoing = nodes.indices.map { node in edges.filter { $0.source == node } }
        let (inputs, scratches) = (inputs, scratches)
        gradients = nodes.indices.map { node in
            if let ends, node == 0 { return ends.input }
            if let ends, node == nodes.count - 1 { return ends.output }
            return scratches[node].nodes[node < inputs ? 4 + node : node - inputs]
        }
        sum = arena.doubles(scratches.map(\.padded).max() ?? 0)
        range = start..<parameters.count
    }

    var multiplyAdds: Int {
        preprocesses.reduce(0) { $0 + $1.multiplyAdds } + edges.reduce(0) { $0 + $1.multiplyAdds }
    }

    func load(_ weights: UnsafePointer<Float>) {
        for preprocess in preprocesses { preprocess.load(weights) }
        for edge in edges { edge.load(weights) }
    }

    func draw(_ drop: DropPath?, _ indices: [Int]) {
        for edge in edges { edge.draw(drop, indices) }
    }

    func forward() {
        for (preprocess, node) in zip(preprocesses, nodes) {
            preprocess.forward(.training)
            preprocess.norm.prepareForward()
            let terms = WeightedTerms(preprocess.output, preprocess.norm.a)
            for image in 0..<node.images {
                WeightedSum.compute(
                    terms, constants: preprocess.norm.constants, image: image, into: ImageOf(node.value, image: image),
                    rectified: ImageOf(node.rectified, image: image))
            }
        }
        for (index, node) in nodes.enumerated() {
            if index >= inputs { add(incoming[index], into: node, scratches[index]) }
            for pool in pools[index] { pool.forward() }
        }
    }

    private func add(_ edges: [FinalEdge], into node: CellNode, _ scratch: ShapeScratch) {
        for edge in edges { edge.forward() }
        let constants = scratch.coefficients(0)
        for image in 0..<node.images {
            var terms = WeightedTerms()
            sum.update(repeating: 0, count: scratch.padded)
            for edge in edges { edge.append(image, of: nodes[edge.source], to: &terms, constants: sum) }
            for channel in 0..<scratch.padded { constants[channel] = Float(sum[channel]) }
            WeightedSum.compute(
                terms, constants: constants, image: image, into: ImageOf(node.value, image: image),
                rectified: ImageOf(node.rectified, image: image))
        }
    }

    /// After a training forward pass.
    ///
    /// - Parameters:
    ///   - head: gives the gradient of one image of an output node, if the cell is the last one and its nodes' gradients
    ///     do not come from outside.
    ///   - weightsGradient: the whole flat gradient.
    func backward(
        head: ((_ node: Int, _ image: Int, _ gradient: BlockedTensor) -> Void)?,
        weightsGradient: UnsafeMutablePointer<Float>
    ) {
        for index in nodes.indices.reversed() {
            let gradient = gradients[index]
            if !(takesOutputGradient && index == nodes.count - 1) {
                gather(index, head: index >= inputs ? head : nil, into: gradient)
            }
            if index >= inputs {
                for edge in incoming[index] { edge.backward(gradient, weightsGradient: weightsGradient) }
            } else if index < preprocesses.count {
                let preprocess = preprocesses[index]
                let sums = scratches[index].clearedSums()
                for image in 0..<gradient.images {
                    ChannelSums.accumulate(gradient, preprocess.output, image: image, into: sums)
                }
                preprocess.norm.prepareBackward(weight: 1, dSum: sums, dySum: sums + scratches[index].padded)
                preprocess.backward(gradient, wantsInput: true, weightsGradient: weightsGradient)
            }
        }
    }

    /// The gradient of a node, once everything that reads it has been through its own backward pass.
    private func gather(
        _ index: Int, head: ((_ node: Int, _ image: Int, _ gradient: BlockedTensor) -> Void)?,
        into gradient: BlockedTensor
    ) {
        let (node, scratch) = (nodes[index], scratches[index])
        var terms = WeightedTerms()
        if head != nil { terms.append(gradient, scratch.ones) }
        for edge in outgoing[index] where edge.isIdentity { terms.append(gradients[edge.node], scratch.ones) }
        for image in 0..<node.images {
            head?(index - inputs, image, gradient)
            node.gatherGradient(terms, image, pool: scratch.pool, into: gradient)
            for pool in pools[index] {
                var pooled = WeightedTerms()
                for edge in outgoing[index] {
                    edge.appendGradient(image, of: pool, gradients[edge.node], to: &pooled)
                }
                pool.addGradient(pooled, image, into: gradient)
            }
        }
        node.hasGradient = false
    }
}
