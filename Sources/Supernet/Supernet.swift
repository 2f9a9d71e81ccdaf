import Kernels

/// What stands on an edge of a cell.
public enum EdgeChoice: Sendable, Hashable {
    /// All operations, weighted by β.
    case mixed
    /// One operation with weight 1.
    case single(Int)
}

/// Why a supernet cannot be built.
public enum SupernetError: Error, Sendable, Equatable, CustomStringConvertible {
    case shape(String)

    public var description: String {
        switch self {
        case .shape(let text): text
        }
    }
}

/// A DARTS supernet: forward, backward for weights, backward for alphas alone. Owned and called by one thread; all
/// memory is taken when it is made.
public final class Supernet {
    public let shape: SupernetShape
    /// Images of one call; batch normalisation uses their statistics.
    public let shardImages: Int
    public let parameters: ParameterDirectory
    /// Rows of alphas.
    public let edges: Int
    /// Columns of alphas.
    public let operations: Int

    /// - Throws: `SupernetError.shape` for an unknown space or impossible sizes.
    public init(shape: SupernetShape, shardImages: Int) throws(SupernetError) {
        fatalError()
    }

    /// Takes new weights, in the order of `parameters`. To be called after every change and before the first use.
    public func load(weights: UnsafePointer<Float>) { fatalError() }

    /// Takes new alphas, (edges, operations).
    public func load(alphas: UnsafePointer<Float>) { fatalError() }

    /// softmax(α), one row an edge, of the alphas loaded.
    public var betas: [[Float]] { fatalError() }

    /// Logits (n, classes) of the last forward pass.
    public var logits: [Float] { fatalError() }

    /// The gradient of the shard's mean cross-entropy with respect to one group of parameters, all edges mixed.
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
    ) -> (loss: Double, correct: Int) { fatalError() }

    /// The forward pass alone, with a choice for every edge. What has weight 0 is not computed.
    public func evaluate(
        images: UnsafePointer<Float>, labels: UnsafePointer<UInt8>, choices: [EdgeChoice]
    ) -> (loss: Double, correct: Int) { fatalError() }

    /// Weights as PyTorch's defaults for these layers, drawn for a seed: convolutions and the linear layer uniform in
    /// ±1/√fan-in, batch norm 1 and 0.
    public static func initialWeights(_ parameters: ParameterDirectory, seed: UInt64) -> [Float] { fatalError() }

    /// Alphas: 10⁻³ times a standard normal draw.
    public static func initialAlphas(count: Int, seed: UInt64) -> [Float] { fatalError() }
}
