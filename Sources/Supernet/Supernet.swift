import Kernels

/// What stands on an edge of a cell.
public enum EdgeChoice: Sendable, Hashable {
    /// All operations, weighted by β.
    case mixed
    /// One operation with weight 1.
    case single(Int)
    /// One operation with another weight.
    case weighted(Int, Double)
    /// All operations but one, weighted by β as before.
    case without(Int)
    /// Nothing.
    case leftOut
}

/// Why a supernet cannot be built.
public enum SupernetError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The text says which value, and what is allowed.
    case shape(String)

    public var description: String {
        switch self {
        case .shape(let text): text
        }
    }
}

/// A DARTS supernet: forward, backward for weights, backward for alphas alone.
///
/// Owned and called by one thread; all memory is taken when it is made. Batch normalisation uses the statistics of the
/// images of a call.
public final class Supernet {
    /// What is computed.
    public enum Pass: Sendable, Hashable {
        case forward
        case gradient(ParameterGroup)
    }

    /// Channels, cells, classes and image size.
    public let shape: SupernetShape
    /// What may stand on which edge.
    public let space: SearchSpace
    /// Images of one call.
    public let shardImages: Int
    /// Names and shapes of the weights, in the order of the flat buffer.
    public var parameters: ParameterDirectory { network.parameters }
    /// Names and shapes of the alphas, as in the public state dict.
    public var alphaDirectory: ParameterDirectory { space.alphaDirectory }
    /// Rows of alphas: the edges of all types of cells.
    public let edges: Int
    /// Columns of alphas.
    public var operations: Int { space.operations.count }
    /// Bytes of activations, gradients and packed weights.
    public var bytes: Int { network.bytes }

    private let network: any SupernetNetwork
    private let memory = Arena()
    /// softmax(α), what an evaluation mixes, and the gradient by β: (edges, operations) each.
    private let mixture: UnsafeMutablePointer<Double>
    private let chosen: UnsafeMutablePointer<Double>
    private let betaGradient: UnsafeMutablePointer<Double>
    /// Of the operations that an edge has: α, and their softmax.
    private let compactAlphas: UnsafeMutablePointer<Float>
    private let compact: UnsafeMutablePointer<Double>

    /// - Throws: `SupernetError.shape` for an unknown space or impossible sizes.
    public init(
        shape: SupernetShape, shardImages: Int, convolution: ConvolutionAlgorithm = .auto
    ) throws(SupernetError) {
        let space = try SearchSpace.of(shape)
        try shape.checkSizes(shardImages: shardImages)
        self.shape = shape
        self.space = space
        edges = space.edges.count
        self.shardImages = shardImages
        switch space.skeleton {
        case .nasbench201:
            network = try NASBench201Network(shape: shape, images: shardImages, convolution: convolution)
        case .darts(let stemMultiplier, _):
            network = try DARTSNetwork(
                space: space, stemMultiplier: stemMultiplier, shape: shape, images: shardImages)
        }
        let count = space.edges.count * space.operations.count
        mixture = memory.doubles(count)
        chosen = memory.doubles(count)
        betaGradient = memory.doubles(count)
        compact = memory.doubles(space.operations.count)
        compactAlphas = memory.floats(space.operations.count)
        for (edge, present) in space.operationsOfEdge.enumerated() {
            for operation in present { mixture[edge * operations + operation] = 1 / Double(present.count) }
        }
    }

    /// Takes new weights, in the order of `parameters`; after every change, and before the first use.
    public func load(weights: UnsafePointer<Float>) {
        network.load(weights: weights)
    }

    /// Takes new alphas, (edges, operations).
    public func load(alphas: UnsafePointer<Float>) {
        for edge in 0..<edges {
            let present = space.operationsOfEdge[edge]
            for (place, operation) in present.enumerated() {
                compactAlphas[place] = alphas[edge * operations + operation]
            }
            Classifier.softmax(compactAlphas, count: present.count, into: compact)
            for (place, operation) in present.enumerated() { mixture[edge * operations + operation] = compact[place] }
        }
    }

    /// What the operation `noise` draws in the passes that follow.
    public var noise: NoiseDraws {
        get { network.noise }
        set { network.noise = newValue }
    }

    /// What stands on each edge when gradients by the weights are taken; nil: all edges are mixed.
    public var choices: [EdgeChoice]?

    /// softmax(α) of the alphas loaded, one row an edge; 0 for operations that an edge does not have.
    public var betas: [[Float]] {
        (0..<edges).map { edge in (0..<operations).map { Float(mixture[edge * operations + $0]) } }
    }

    /// Logits (images, classes) of the last pass.
    public var logits: [Float] {
        Array(UnsafeBufferPointer(start: network.logits, count: shardImages * shape.classes))
    }

    /// Multiply-adds of the convolutions and the classifier for one image, with all edges mixed.
    public func multiplyAdds(_ pass: Pass) -> Int { network.multiplyAdds(pass) }

    /// The gradient of the shard's mean cross-entropy with respect to one group of parameters, with what `choices` puts on the edges.
    ///
    /// - Parameters:
    ///   - images: (shardImages, inputChannels, imageSize, imageSize), normalised.
    ///   - labels: (shardImages), each below `shape.classes`.
    ///   - gradient: overwritten; `parameters.count` floats for weights, edges × operations for alphas.
    ///   - ready: called with falling ranges of `gradient` that are final, together all of it.
    /// - Returns: the cross-entropy summed (not averaged) over the shard in image order, and correct predictions.
    public func gradient(
        of group: ParameterGroup, images: UnsafePointer<Float>, labels: UnsafePointer<UInt8>,
        into gradient: UnsafeMutablePointer<Float>, ready: (Range<Int>) -> Void
    ) -> (loss: Double, correct: Int) {
        precondition(choices == nil || group == .weights, "alphas are trained with all edges mixed")
        var mixture = UnsafePointer(self.mixture)
        if let choices { mixture = mixed(choices) }
        Profile.phase(.forward)
        let result = network.forward(images: images, labels: labels, mixture: mixture, .training)
        Profile.phase(.backward)
        switch group {
        case .weights:
            network.backward(mixture, weightsGradient: gradient, betaGradient: nil, ready: ready)
        case .alphas:
            betaGradient.update(repeating: 0, count: edges * operations)
            network.backward(mixture, weightsGradient: nil, betaGradient: betaGradient, ready: { _ in })
            storeAlphasGradient(into: gradient)
            ready(0..<(edges * operations))
        }
        return result
    }

    /// The gradients by both groups from one pass, all edges mixed.
    ///
    /// - Parameters: as above.
    ///   - gradient: overwritten; by the alphas, then by the weights.
    public func gradients(
        images: UnsafePointer<Float>, labels: UnsafePointer<UInt8>, into gradient: UnsafeMutablePointer<Float>,
        ready: (Range<Int>) -> Void
    ) -> (loss: Double, correct: Int) {
        let alphas = edges * operations
        Profile.phase(.forward)
        let result = network.forward(images: images, labels: labels, mixture: mixture, .training)
        Profile.phase(.backward)
        betaGradient.update(repeating: 0, count: alphas)
        network.backward(mixture, weightsGradient: gradient + alphas, betaGradient: betaGradient) { range in
            ready(range.lowerBound + alphas..<range.upperBound + alphas)
        }
        storeAlphasGradient(into: gradient)
        ready(0..<alphas)
        return result
    }

    /// The softmax's Jacobian: dα = β (dβ − Σ β dβ).
    private func storeAlphasGradient(into gradient: UnsafeMutablePointer<Float>) {
        for edge in 0..<edges {
            let row = edge * operations..<(edge + 1) * operations
            var mean = 0.0
            for i in row { mean += mixture[i] * betaGradient[i] }
            for i in row { gradient[i] = Float(mixture[i] * (betaGradient[i] - mean)) }
        }
    }

    /// The forward pass alone, with a choice for every edge. What has weight 0 is not computed.
    public func evaluate(
        images: UnsafePointer<Float>, labels: UnsafePointer<UInt8>, choices: [EdgeChoice]
    ) -> (loss: Double, correct: Int) {
        let mixture = mixed(choices)
        Profile.phase(.forward)
        return network.forward(images: images, labels: labels, mixture: mixture, .evaluation)
    }

    /// The weights of all operations under a choice for every edge.
    private func mixed(_ choices: [EdgeChoice]) -> UnsafePointer<Double> {
        precondition(choices.count == edges, "one choice an edge")
        for edge in 0..<edges {
            let row = chosen + edge * operations
            switch choices[edge] {
            case .mixed: row.update(from: mixture + edge * operations, count: operations)
            case .single(let operation):
                precondition((0..<operations).contains(operation), "no such operation")
                row.update(repeating: 0, count: operations)
                row[operation] = 1
            case .weighted(let operation, let weight):
                precondition((0..<operations).contains(operation), "no such operation")
                row.update(repeating: 0, count: operations)
                row[operation] = weight
            case .without(let operation):
                precondition((0..<operations).contains(operation), "no such operation")
                row.update(from: mixture + edge * operations, count: operations)
                row[operation] = 0
            case .leftOut: row.update(repeating: 0, count: operations)
            }
        }
        return UnsafePointer(chosen)
    }

    /// Weights as PyTorch's defaults for these layers, drawn for a seed: convolutions and the linear layer uniform in
    /// ±1/√fan-in, batch norm 1 and 0.
    public static func initialWeights(_ parameters: ParameterDirectory, seed: UInt64) -> [Float] {
        var weights = [Float](repeating: 0, count: parameters.count)
        for (number, entry) in parameters.entries.enumerated() {
            switch entry.initialization {
            case .constant(let value):
                for i in entry.range { weights[i] = value }
            case .uniform(let bound):
                let draws = Philox(seed: seed, purpose: .initialWeights, stream: number)
                for (i, place) in entry.range.enumerated() {
                    weights[place] = (2 * draws.uniform(at: i) - 1) * bound
                }
            }
        }
        return weights
    }

    /// Alphas: 10⁻³ times a standard normal draw.
    public static func initialAlphas(count: Int, seed: UInt64) -> [Float] {
        let draws = Philox(seed: seed, purpose: .initialAlphas)
        return (0..<count).map { 1e-3 * draws.normal(at: $0) }
    }
}

extension Supernet.Pass {
    /// Multiply-adds of a pass, given those of the forward pass and those of the stem in it. A gradient by inputs and one
    /// by weights cost what the forward pass does; the images get no gradient.
    func multiplyAdds(forward: Int, stem: Int) -> Int {
        switch self {
        case .forward: forward
        case .gradient(.weights): 3 * forward - stem
        case .gradient(.alphas): 2 * forward - stem
        }
    }
}
