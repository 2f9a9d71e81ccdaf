/// What a result of a selection task led to.
public enum SelectionEvent: Sendable, Hashable {
    /// An operation was chosen; the next edge's tasks can be taken.
    case edgeDecided(edge: Int, operation: Int)
    /// Every edge is decided.
    case finished
}

/// One operation of one edge, as measured when the edge was decided.
public struct StrengthRow: Sendable, Hashable, Codable {
    /// The edge that was decided.
    public var edge: Int
    /// The operation that stood in the mixture's place.
    public var operation: Int
    /// β of the operation, of the supernet as trained.
    public var beta: Float
    /// Loss sum over the shards evaluated; infinity when one of them was not finite.
    public var lossSum: Double
    /// Shards that `lossSum` is over.
    public var shardsEvaluated: Int
    /// False when exact pruning dropped it: `lossSum` is then a lower bound of the whole sum.
    public var complete: Bool
    /// Whether the edge has this operation now.
    public var chosen: Bool
    /// L(supernet) − L(replaced), means; nil when not complete or not finite.
    public var strength: Double?
}

/// What a selection chose, and why.
public struct SelectionResult: Sendable, Equatable, Codable {
    /// The supernet before any decision.
    public var supernet: LossSum
    /// By edge, then by operation.
    public var rows: [StrengthRow]
    /// One operation an edge, by strength.
    public var operations: [Int]
    /// One operation an edge, by the largest β; ties go to the lower index.
    public var magnitudeOperations: [Int]
    /// Held-out images used.
    public var images: Int

    static func magnitude(_ betas: [Float]) -> Int {
        betas.indices.reduce(0) { betas[$1] > betas[$0] ? $1 : $0 }
    }
}
