import Kernels

/// One edge of a final network's cell: the operation that was chosen for it.
final class FinalEdge {
    enum Operation {
        case identity
        case pooled(PooledValue)
        case normalized(any NormalizedOperation)
    }

    let node: Int
    let source: Int
    let operation: Operation
    /// Counted over all cells: what drop-path draws depend on.
    private let number: Int
    private let images: Int
    private let scratch: ShapeScratch
    /// By image: whether the value is dropped in the present pass.
    private let dropped: UnsafeMutablePointer<Bool>
    private var factor = 1.0
    /// (blocks × 8): what the operation's output is multiplied with, and what is added.
    private let coefficients: UnsafeMutablePointer<Float>
    private let constants: UnsafeMutablePointer<Double>

    /// - Parameter scratch: for the node's shape.
    init(
        _ operation: Operation, node: Int, source: Int, number: Int, images: Int, scratch: ShapeScratch, arena: Arena
    ) {
        self.operation = operation
        self.node = node
        self.source = source
        self.number = number
        self.images = images
        self.scratch = scratch
        dropped = .allocate(capacity: images)
        dropped.initialize(repeating: false, count: images)
        coefficients = arena.floats(scratch.padded)
        constants = arena.doubles(scratch.padded)
    }

    deinit { dropped.deallocate() }

    var multiplyAdds: Int { if case .normalized(let operation) = operation { operation.multiplyAdds } else { 0 } }

    var isIdentity: Bool { if case .identity = operation { true } else { false } }

    func load(_ weights: UnsafePointer<Float>) {
        if case .normalized(let operation) = operation { operation.load(weights) }
    }

    /// Draws what is dropped in the next passes.
    ///
    /// - Parameters:
    ///   - drop: nil for nothing.
    ///   - indices: of the images in their data set.
    func draw(_ drop: DropPath?, _ indices: [Int]) {
        guard let drop, drop.probability > 0, !isIdentity else {
            factor = 1
            return dropped.update(repeating: false, count: images)
        }
        factor = drop.factor
        for image in 0..<images { dropped[image] = drop.drops(edge: number, image: indices[image]) }
    }

    /// Computes the operation, but for what its node has of it already.
    func forward() {
        constants.update(repeating: 0, count: scratch.padded)
        switch operation {
        case .identity: break
        case .pooled: coefficients.update(repeating: Float(factor), count: scratch.padded)
        case .normalized(let operation):
            operation.forward(.training)
            operation.norm.addForward(weight: factor, coefficients: coefficients, constants: constants)
        }
    }

    /// Adds what one image has of this edge to the terms of its node's sum.
    func append(
        _ image: Int, of input: CellNode, to terms: inout WeightedTerms, constants sum: UnsafeMutablePointer<Double>
    ) {
        guard !dropped[image] else { return }
        switch operation {
        case .identity: return terms.append(input.value, scratch.ones)
        case .pooled(let pool): return terms.append(pool.value, coefficients)
        case .normalized(let operation): terms.append(operation.output, coefficients)
        }
        for channel in 0..<scratch.padded { sum[channel] += constants[channel] }
    }

    /// From the gradient of the node to those of weights and of the rectified source. The part through the identity and
    /// through pooling is left to the source node.
    func backward(_ d: BlockedTensor, weightsGradient: UnsafeMutablePointer<Float>) {
        guard case .normalized(let operation) = operation else { return }
        let sums = scratch.clearedSums()
        for image in 0..<images where !dropped[image] {
            ChannelSums.accumulate(d, operation.output, image: image, into: sums)
        }
        operation.norm.prepareBackward(weight: factor, dSum: sums, dySum: sums + scratch.padded)
        operation.norm.dropped = UnsafePointer(dropped)
        operation.backward(d, wantsInput: true, weightsGradient: weightsGradient)
    }

    /// Adds the gradient of one image of a pooled value to its terms, if this edge takes it.
    ///
    /// - Parameter d: gradient of the node.
    func appendGradient(_ image: Int, of pool: PooledValue, _ d: BlockedTensor, to terms: inout WeightedTerms) {
        guard case .pooled(let own) = operation, own === pool, !dropped[image] else { return }
        terms.append(d, coefficients)
    }
}
