/// What a result of a selection task led to.
public enum SelectionEvent: Sendable, Hashable {
    /// An operation was chosen; the next edge's tasks can be taken.
    case edgeDecided(edge: Int, operation: Int)
    /// A node keeps these edges, and its others are left out.
    case edgesKept([Int])
    /// Of several criteria that are compared, one has chosen its cell.
    case chosen(by: Criterion)
    /// Everything is decided.
    case finished
}

/// One operation of one edge, as measured when the edge was decided; or the edge left out, as measured when the edges of
/// its node were chosen.
public struct StrengthRow: Sendable, Hashable, Codable {
    /// The edge that was decided.
    public var edge: Int
    /// The operation that stood in the mixture's place, or `StrengthTask.leftOut`.
    public var operation: Int
    /// β of the operation, of the supernet as trained; 0 for an edge left out.
    public var beta: Float
    /// Loss sum over the shards evaluated; infinity when one of them was not finite.
    public var lossSum: Double
    /// Shards that `lossSum` is over.
    public var shardsEvaluated: Int
    /// False when it was not measured on all images. Where exact pruning dropped it, `lossSum` is a lower bound of the whole sum.
    public var complete: Bool
    /// Whether the edge has this operation now, or is left out.
    public var chosen: Bool
    /// L(supernet) − L(replaced), means; nil when not finite, or dropped by exact pruning. Where candidates were raced or halved,
    /// means are over the shards that both were measured on.
    public var strength: Double?
}

/// What a selection chose, and why.
public struct SelectionResult: Sendable, Equatable, Codable {
    /// The supernet before any decision.
    public var supernet: LossSum
    /// By edge, then by operation; then what was measured for the choice of edges, by node, then by edge.
    public var rows: [StrengthRow]
    /// One operation an edge, by strength.
    public var operations: [Int]
    /// Whether the cell has each edge.
    public var kept: [Bool]
    /// One operation an edge, by the largest β of its candidates; ties go to the lower index.
    public var magnitudeOperations: [Int]
    /// Whether the cell by magnitude has each edge: a node keeps those whose operations have the largest β.
    public var magnitudeKept: [Bool]
    /// Held-out images used.
    public var images: Int
    /// They are so many shards.
    public var shards: Int
    /// Evaluations (a network on a shard) that the choice looked at.
    public var evaluations: Int
    /// Evaluations of the full table, each operation on all images.
    public var fullTableEvaluations: Int

    /// Of the training of a network: nothing.
    public static let none = SelectionResult(
        supernet: LossSum(), rows: [], operations: [], kept: [], magnitudeOperations: [], magnitudeKept: [], images: 0,
        shards: 0, evaluations: 0, fullTableEvaluations: 0)
}
