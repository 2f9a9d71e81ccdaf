import Kernels
import Supernet

/// All criteria on one supernet, in this process.
public struct CriteriaComparison {
    /// Spaces with more complete cells than this are not measured exhaustively.
    public static let mostCells = 20_000

    private let replica: Replica
    private let space: SearchSpace
    private let betas: [[Float]]
    private let seed: UInt64
    private let options: SelectionOptions

    /// - Parameters:
    ///   - replica: with the supernet; its configuration has the images, the order of edges and the rule for a node's edges.
    ///   - seed: of the criterion `random`.
    /// - Throws: `SearchError.configuration` for an unknown space.
    public init(_ replica: Replica, seed: UInt64) throws(SearchError) {
        self.replica = replica
        self.seed = seed
        space = try replica.plan.configuration.supernet.searchSpace
        betas = replica.betas()
        options = replica.plan.configuration.selection
    }

    /// Held-out images that all losses are over.
    public var images: Int { replica.plan.selectionShards * replica.plan.configuration.shardImages }

    private var shards: Range<Int> { 0..<replica.plan.selectionShards }

    /// - Parameter progress: gets what is done and the whole, now and then; evaluations of a shard.
    /// - Throws: `SearchError.configuration` for an exhaustive choice among too many cells; `SearchError.mismatch`.
    public func choose(
        _ criterion: Criterion, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(SearchError) -> CriterionResult {
        let candidates = SelectionCandidates(space, withoutNone: criterion.withoutNone)
        switch criterion.kind {
        case .strength, .removal: return try select(criterion, candidates, progress)
        case .magnitude: return result(criterion, candidates, scores: betas, evaluations: 0)
        case .firstOrder:
            return result(criterion, candidates, scores: firstOrder(progress), evaluations: shards.count)
        case .random:
            let draws = Philox(seed: seed, purpose: .edgeOrder, context: 1)
            let scores = betas.indices.map { edge in
                space.operations.indices.map { draws.uniform(at: edge * space.operations.count + $0) }
            }
            return result(criterion, candidates, scores: scores, evaluations: 0)
        case .exhaustive:
            return best(of: try exhaustive(progress))
        }
    }

    /// What the criterion `exhaustive` chooses.
    public func best(of all: ExhaustiveLosses) -> CriterionResult {
        let cell = all.cells[all.best]
        return CriterionResult(
            criterion: Criterion(.exhaustive), operations: cell, kept: cell.map { _ in true },
            loss: all.losses[all.best], evaluations: all.cells.count * shards.count)
    }

    /// The edges' operations with the largest scores, and the nodes' edges that have the largest of them.
    private func result(
        _ criterion: Criterion, _ candidates: SelectionCandidates, scores: [[Float]], evaluations: Int
    ) -> CriterionResult {
        let operations = candidates.largest(scores)
        let kept = options.edgeChoice == .all ? scores.map { _ in true } : candidates.largestKept(scores)
        return CriterionResult(
            criterion: criterion, operations: operations, kept: kept, loss: loss(operations, kept),
            evaluations: evaluations)
    }

    private func select(
        _ criterion: Criterion, _ candidates: SelectionCandidates, _ progress: (Int, Int) -> Void
    ) throws(SearchError) -> CriterionResult {
        var options = options
        options.criterion = criterion.kind == .removal ? .removal : .strength
        options.weight = criterion.weight
        var selection = Selection(betas: betas, shards: shards.count, options: options, candidates: candidates)
        while let task = selection.takeTask() {
            _ = try selection.record(task, losses: replica.evaluate(task, options: options))
            let (done, total) = selection.progress
            progress(done, total)
        }
        let result = selection.result
        return CriterionResult(
            criterion: criterion, operations: result.operations, kept: result.kept,
            loss: loss(result.operations, result.kept), evaluations: selection.progress.done)
    }

    /// The loss of a complete cell with operations at weight 1.
    private func loss(_ operations: [Int], _ kept: [Bool]) -> LossSum {
        let decided = zip(operations, kept).map { $1 ? $0 : StrengthTask.leftOut }
        return LossSum.sum(
            replica.evaluate(
                StrengthTask(replacement: nil, decided: decided, shards: shards), options: SelectionOptions()))
    }

    /// The strength of each operation on each edge to first order, all edges being mixed.
    ///
    /// With β = softmax(α), ∂L/∂α of an operation is β (∂L/∂β − Σ β ∂L/∂β): the negative strength times β.
    public func firstOrder(_ progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }) -> [[Float]] {
        var sums = [Double](repeating: 0, count: betas.count * space.operations.count)
        for shard in shards {
            for (place, value) in replica.selectionGradient(shard: shard).enumerated() { sums[place] += Double(value) }
            progress(shard + 1, shards.count)
        }
        return betas.enumerated().map { edge, row in
            row.enumerated().map { operation, beta in
                beta > 0
                    ? Float(-sums[edge * row.count + operation] / Double(beta) / Double(shards.count)) : -.infinity
            }
        }
    }

    /// The losses of all complete cells.
    /// - Throws: `SearchError.configuration` when there are too many, or when nodes keep only some of their edges.
    public func exhaustive(
        _ progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(SearchError) -> ExhaustiveLosses {
        try requireExhaustible()
        let counts = space.candidates.map(\.count)
        let cells = counts.reduce(1, *)
        var result = ExhaustiveLosses(cells: [], losses: [])
        var places = counts.map { _ in 0 }
        for number in 0..<cells {
            let cell = zip(space.candidates, places).map { $0[$1] }
            result.cells.append(cell)
            result.losses.append(loss(cell, cell.map { _ in true }))
            progress((number + 1) * shards.count, cells * shards.count)
            for edge in places.indices.reversed() {
                places[edge] += 1
                if places[edge] < counts[edge] { break }
                places[edge] = 0
            }
        }
        return result
    }

    /// - Throws: `SearchError.configuration` where `exhaustive` is impossible.
    public func requireExhaustible() throws(SearchError) {
        guard !Self.isExhaustible(space) else { return }
        let exponent = Self.exponent(Self.cells(space))
        throw .configuration(
            "the exhaustive choice is impossible in \(space.name): it has about 10^\(exponent) cells; at most "
                + "\(Self.mostCells) are measured, of spaces whose nodes keep all edges")
    }

    /// Whether all complete cells of a space can be measured.
    public static func isExhaustible(_ space: SearchSpace) -> Bool {
        cells(space) <= Double(mostCells) && space.competingEdges.isEmpty
    }

    private static func cells(_ space: SearchSpace) -> Double {
        space.candidates.reduce(1.0) { $0 * Double($1.count) }
    }

    private static func exponent(_ value: Double) -> Int {
        var rest = value
        var exponent = 0
        while rest >= 10 {
            rest /= 10
            exponent += 1
        }
        return exponent
    }
}
