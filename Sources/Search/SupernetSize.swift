import Supernet

/// How much a supernet of some shape trains, for whoever sends and keeps it without computing.
public struct SupernetSize: Sendable {
    /// Floats of the weights.
    public let weights: Int
    /// Rows of alphas.
    public let edges: Int
    /// Columns of alphas.
    public let operations: Int

    /// Cost: a supernet is made for a moment.
    /// - Throws: `SearchError.configuration` for an impossible shape.
    public init(_ shape: SupernetShape) throws(SearchError) {
        let supernet = try Supernet.checked(shape: shape, shardImages: 1)
        weights = supernet.parameters.count
        edges = supernet.edges
        operations = supernet.operations
    }

    /// A state of this size in which everything is zero.
    public var zeroState: TrainingState {
        TrainingState(
            weights: [Float](repeating: 0, count: weights), alphas: [Float](repeating: 0, count: edges * operations))
    }
}
