/// The choice of operations by strength, as a pure value: it hands out tasks and takes their results, in any order and
/// from any number of workers, and what it decides and records does not depend on either.
public struct Selection: Sendable {
    /// - Parameters:
    ///   - betas: β of each edge, (edges, operations).
    ///   - shards: whole shards of held-out images.
    public init(betas: [[Float]], shards: Int, options: SelectionOptions) { fatalError() }

    public var isFinished: Bool { fatalError() }

    /// The next task that nobody has, or nil when all tasks that are known to be needed are out or done.
    public mutating func takeTask() -> StrengthTask? { fatalError() }

    /// Puts a task back whose worker was lost.
    public mutating func returnTask(_ task: StrengthTask) { fatalError() }

    /// Records a result. A second, equal result of the same task changes nothing.
    /// - Throws: `SearchError.mismatch` when a result differs from one recorded before, or fits no task.
    public mutating func record(_ task: StrengthTask, losses: [LossSum]) throws(SearchError) -> [SelectionEvent] {
        fatalError()
    }

    /// Evaluations (operation × shard) that results were recorded for, and that the full table would need.
    public var progress: (done: Int, total: Int) { fatalError() }

    /// Once finished.
    public var result: SelectionResult { fatalError() }
}

public enum SelectionEvent: Sendable {
    case edgeDecided(edge: Int, operation: Int)
    case finished
}

/// One operation of one edge, as measured when the edge was decided.
public struct StrengthRow: Sendable, Hashable, Codable {
    public var edge: Int
    public var operation: Int
    public var beta: Float
    /// Loss sum over the shards evaluated.
    public var lossSum: Double
    public var shardsEvaluated: Int
    /// False when exact pruning dropped it: `lossSum` is then a lower bound of the whole sum.
    public var complete: Bool
    public var chosen: Bool
    /// L(supernet) − L(replaced), means; nil when not complete.
    public var strength: Double?
}

public struct SelectionResult: Sendable, Equatable, Codable {
    /// The supernet before any decision.
    public var supernet: LossSum
    public var rows: [StrengthRow]
    /// One operation an edge, by strength.
    public var operations: [Int]
    /// One operation an edge, by the largest β.
    public var magnitudeOperations: [Int]
    public var images: Int
}
