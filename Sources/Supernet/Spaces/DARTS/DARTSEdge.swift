import Kernels

/// One edge of a DARTS cell: the candidate operations between two nodes.
final class DARTSEdge {
    /// What computes a column of the alphas.
    private enum Candidate {
        case nothing
        case identity
        case pooled(PooledNode)
        case normalized(any NormalizedOperation)
        case separable(SeparableOperation)
        /// Drawn anew in every pass.
        case noise(BlockedTensor, edge: Int)

        /// What ends in a batch norm of its own.
        var normalized: (any NormalizedOperation)? {
            switch self {
            case .normalized(let operation): operation
            case .separable(let operation): operation
            default: nil
            }
        }
    }

    /// Index of the node that it leads to.
    let node: Int
    /// Index of the node that it comes from.
    let source: Int
    /// The edge's row in the alphas.
    let row: Int
    let stride: Int
    /// One for each operation of the space; nothing for those that the edge does not have.
    private let candidates: [Candidate]
    private let noise: NoiseSource
    private let input: CellNode
    private let scratch: ShapeScratch

    /// - Parameters:
    ///   - pool: the pooled value of the node, made once for all of its edges.
    ///   - prefix: of the weights' names, for example `cells.0._ops.3._ops.`.
    init(
        _ edge: SearchSpace.Edge, row: Int, stride: Int, space: SearchSpace, noise: NoiseSource, input: CellNode,
        pool: (PooledNode.Kind) -> PooledNode, prefix: String, parameters: inout ParameterDirectory, arena: Arena,
        store: ScratchStore
    ) {
        node = edge.node
        source = edge.source
        self.row = row
        self.stride = stride
        self.input = input
        self.noise = noise
        let channels = input.value.channels
        scratch = store.scratch(channels: channels, size: input.value.height / stride)
        var candidates: [Candidate] = []
        var number = 0
        let present = space.operationsOfEdge[row]
        for (column, name) in space.operations.enumerated() {
            // The public code counts the operations of an edge.
            guard let index = present.firstIndex(of: column) else {
                candidates.append(.nothing)
                continue
            }
            func separable(_ kernel: Int, _ isSeparable: Bool, _ parameters: inout ParameterDirectory) -> Candidate {
                let operation = SeparableOperation(
                    source: input, kernel: kernel, isSeparable: isSeparable, stride: stride,
                    prefix: "\(prefix)\(index).op.", place: number, in: &parameters,
                    arena: arena, store: store)
                number += 1
                return .separable(operation)
            }
            switch name {
            case "none": candidates.append(.nothing)
            case "noise":
                let size = input.value.height / stride
                let tensor = arena.tensor(
                    images: input.images, channels: channels, height: size, width: size, during: ShapeScratch.always)
                candidates.append(.noise(tensor, edge: noise.nextEdge()))
            case "max_pool_3x3": candidates.append(.pooled(pool(.maximum)))
            case "avg_pool_3x3": candidates.append(.pooled(pool(.average)))
            case "skip_connect" where stride == 1: candidates.append(.identity)
            case "skip_connect":
                candidates.append(
                    .normalized(
                        FactorizedReduction(
                            sources: [input], outputs: channels, prefix: "\(prefix)\(index).", in: &parameters,
                            arena: arena, store: store)))
            case "sep_conv_3x3": candidates.append(separable(3, true, &parameters))
            case "sep_conv_5x5": candidates.append(separable(5, true, &parameters))
            case "dil_conv_3x3": candidates.append(separable(3, false, &parameters))
            case "dil_conv_5x5": candidates.append(separable(5, false, &parameters))
            default: preconditionFailure("the space has an operation that nothing computes: \(name)")
            }
        }
        self.candidates = candidates
    }

    private var normalized: [any NormalizedOperation] {
        candidates.compactMap(\.normalized)
    }

    private var separable: [SeparableOperation] {
        candidates.compactMap { if case .separable(let operation) = $0 { operation } else { nil } }
    }

    var multiplyAdds: Int { normalized.reduce(0) { $0 + $1.multiplyAdds } }

    func load(_ weights: UnsafePointer<Float>) {
        for operation in normalized { operation.load(weights) }
    }

    /// Whether a mixture has the source's pooled value in it.
    func uses(_ pool: PooledNode, _ mixture: UnsafePointer<Double>, _ pass: ForwardPass) -> Bool {
        let weights = mixture + row * candidates.count
        return candidates.enumerated().contains { index, candidate in
            if case .pooled(let found) = candidate { isComputed(weights[index], pass) && found === pool } else { false }
        }
    }

    private func isComputed(_ weight: Double, _ pass: ForwardPass) -> Bool { pass == .training || weight != 0 }

    /// Whether there is anything to add to the node.
    func isActive(_ mixture: UnsafePointer<Double>, _ pass: ForwardPass) -> Bool {
        let weights = mixture + row * candidates.count
        return candidates.enumerated().contains { index, candidate in
            if case .nothing = candidate { false } else { isComputed(weights[index], pass) }
        }
    }

    /// Adds the mixture to the node.
    ///
    /// - Parameters:
    ///   - mixture: weights of all operations on all edges; in an evaluation what has weight 0 is not computed.
    ///   - accumulate: false for the first edge of a node.
    ///   - isLast: whether the node is complete then, so that it is rectified too.
    func forward(
        _ mixture: UnsafePointer<Double>, _ pass: ForwardPass, into target: CellNode, accumulate: Bool, isLast: Bool
    ) {
        let weights = mixture + row * candidates.count
        let exact = scratch.clearedSums()
        SeparableOperation.forward(
            candidates.indices.compactMap { index in
                guard case .separable(let operation) = candidates[index], isComputed(weights[index], pass) else {
                    return nil
                }
                return operation
            }, pass)
        var terms = WeightedTerms()
        if accumulate { terms.append(target.value, scratch.ones) }
        for (index, candidate) in candidates.enumerated() where isComputed(weights[index], pass) {
            switch candidate {
            case .nothing: break
            case .identity: terms.append(input.value, scratch.scalar(weights[index], slot: index))
            case .noise(let tensor, let edge):
                noise.fill(tensor, edge: edge)
                terms.append(tensor, scratch.scalar(weights[index], slot: index))
            case .pooled(let pool):
                let coefficients = scratch.coefficients(index)
                pool.norm.addForward(weight: weights[index], coefficients: coefficients, constants: exact)
                terms.append(pool.value, coefficients)
            case .normalized(let operation):
                operation.forward(pass)
                append(operation, weights[index], index, to: &terms, exact)
            case .separable(let operation): append(operation, weights[index], index, to: &terms, exact)
            }
        }
        let constants = scratch.coefficients(15)
        for channel in 0..<target.value.channels { constants[channel] = Float(exact[channel]) }
        for image in 0..<target.images {
            WeightedSum.compute(
                terms, constants: constants, image: image, into: ImageOf(target.value, image: image),
                rectified: isLast ? ImageOf(target.rectified, image: image) : nil)
        }
    }

    private func append(
        _ operation: any NormalizedOperation, _ weight: Double, _ index: Int, to terms: inout WeightedTerms,
        _ constants: UnsafeMutablePointer<Double>
    ) {
        let coefficients = scratch.coefficients(index)
        operation.norm.addForward(weight: weight, coefficients: coefficients, constants: constants)
        terms.append(operation.output, coefficients)
    }

    /// From the gradient of the node to those of the source and of weights or betas. The part through the identity and
    /// through pooling is left to the source node.
    ///
    /// - Parameters:
    ///   - d: gradient of the node.
    ///   - betas: as in the forward pass.
    ///   - weightsGradient: the whole flat gradient; nil if only the betas' is wanted.
    ///   - betaGradient: the edge's row is added to; nil if only the weights' is wanted.
    func backward(
        _ d: BlockedTensor, _ betas: UnsafePointer<Double>, weightsGradient: UnsafeMutablePointer<Float>?,
        betaGradient: UnsafeMutablePointer<Double>?
    ) {
        reduce(d, betas + row * candidates.count, betaGradient: betaGradient.map { $0 + row * candidates.count })
        let wantsInput = weightsGradient != nil || input.dependsOnAlphas
        for case .normalized(let operation) in candidates {
            operation.backward(d, wantsInput: wantsInput, weightsGradient: weightsGradient)
        }
        SeparableOperation.backward(separable, d, wantsInput: wantsInput, weightsGradient: weightsGradient)
    }

    /// Sums over pixels of the gradient's products with what the edge added to the node: what batch norms and the
    /// gradients by β need.
    private func reduce(
        _ d: BlockedTensor, _ weights: UnsafePointer<Double>, betaGradient: UnsafeMutablePointer<Double>?
    ) {
        let n = scratch.padded
        var values: [(operation: Int, tensor: BlockedTensor)] = []
        for (operation, candidate) in candidates.enumerated() {
            switch candidate {
            case .nothing: break
            case .identity: if betaGradient != nil { values.append((operation, input.value)) }
            case .noise(let tensor, _): if betaGradient != nil { values.append((operation, tensor)) }
            case .pooled(let pool): values.append((operation, pool.value))
            case .normalized, .separable:
                if let output = candidate.normalized?.output { values.append((operation, output)) }
            }
        }
        if values.isEmpty { return }
        let sums = scratch.clearedSums()
        let tensors = values.map(\.tensor)
        for image in 0..<d.images { ChannelSums.accumulate(d, tensors, image: image, into: sums) }
        for (place, value) in values.enumerated() {
            let (weight, products) = (weights[value.operation], sums + (1 + place) * n)
            switch candidates[value.operation] {
            case .nothing: break
            case .identity, .noise:
                var total = 0.0
                for channel in 0..<d.channels { total += products[channel] }
                betaGradient?[value.operation] += total
            case .pooled(let pool):
                pool.addGradientSums(weight: weight, dSum: sums, dySum: products)
                betaGradient?[value.operation] += pool.norm.weightGradient(dSum: sums, dySum: products)
            case .normalized, .separable:
                guard let norm = candidates[value.operation].normalized?.norm else { break }
                norm.prepareBackward(weight: weight, dSum: sums, dySum: products)
                betaGradient?[value.operation] += norm.weightGradient(dSum: sums, dySum: products)
            }
        }
    }

    /// The weight of the identity in the edge's mixture; nil where there is none.
    func identityWeight(_ betas: UnsafePointer<Double>) -> Double? {
        for (index, candidate) in candidates.enumerated() {
            if case .identity = candidate { return betas[row * candidates.count + index] }
        }
        return nil
    }

    /// The weight of a pooled value in the edge's mixture; nil where it is not in it.
    func weight(of pool: PooledNode, _ betas: UnsafePointer<Double>) -> Double? {
        for (index, candidate) in candidates.enumerated() {
            if case .pooled(let found) = candidate, found === pool { return betas[row * candidates.count + index] }
        }
        return nil
    }
}
