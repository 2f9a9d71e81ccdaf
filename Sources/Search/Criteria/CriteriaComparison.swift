import Kernels
import Supernet

/// Several criteria on one supernet, as a pure value: it hands out tasks and takes their results, in any order and from any number
/// of workers, and what it finds does not depend on either.
///
/// Criteria that decide edge by edge are selections beside each other: while one waits for a decision's last results, others' tasks
/// go out. For `first-order` each shard's gradient by the alphas is a task. The complete cells that the criteria choose are measured
/// then, each of them once; for `exhaustive` they are all the cells.
public struct CriteriaComparison: TaskSource {
    /// Spaces with more complete cells than this are not measured exhaustively.
    public static let mostCells = 20_000

    /// What a criterion chose.
    private struct Choice {
        /// One operation an edge.
        var operations: [Int]
        /// Whether the cell has each edge.
        var kept: [Bool]
        var evaluations: Int

        /// As tasks name it.
        var cell: [Int] { zip(operations, kept).map { $1 ? $0 : StrengthTask.leftOut } }
    }

    private let criteria: [Criterion]
    private let space: SearchSpace
    private let betas: [[Float]]
    private let shards: Int
    private let shardImages: Int
    private let options: SelectionOptions
    /// By criterion; nil for those that do not decide edge by edge.
    private var selections: [Selection?]
    /// By criterion; nil while it is not known.
    private var choices: [Choice?]
    /// By shard, for `first-order`; none without it.
    private var gradients: Pieces<[Float]>
    private var cells: CompleteCells
    /// Of the space, for `exhaustive`; none without it.
    private let allCells: [[Int]]

    /// - Parameters:
    ///   - betas: β of each edge, (edges, operations).
    ///   - plan: its configuration has the images, the order of edges, the rule for a node's edges and the seed of chance.
    /// - Throws: `SearchError.mismatch` when β are not those of the space.
    public init(_ criteria: [Criterion], betas: [[Float]], plan: TrainingPlan) throws(SearchError) {
        let space = try plan.space(fitting: betas)
        let shards = plan.selectionShards
        let options = plan.configuration.selection
        self.criteria = criteria
        self.space = space
        self.betas = betas
        self.shards = shards
        shardImages = plan.configuration.shardImages
        self.options = options
        selections = criteria.map { criterion in
            guard criterion.isStepwise else { return nil }
            return Selection(
                betas: betas, shards: shards, options: options.of(criterion),
                candidates: SelectionCandidates(space, withoutNone: criterion.withoutNone))
        }
        choices = criteria.map { _ in nil }
        gradients = Pieces(count: criteria.contains { $0.kind == .firstOrder } ? shards : 0)
        allCells = criteria.contains { $0.kind == .exhaustive } ? CriteriaComparison.completeCells(of: space) : []
        cells = CompleteCells(shards: shards)
        for cell in allCells { cells.add(cell) }
        for (number, criterion) in criteria.enumerated() {
            switch criterion.kind {
            case .magnitude: choose(number, by: betas, evaluations: 0)
            case .random: choose(number, by: chance, evaluations: 0)
            case .strength, .removal, .firstOrder, .exhaustive: break
            }
        }
    }

    public mutating func takeTask() -> StrengthTask? {
        for number in selections.indices {
            guard var task = selections[number]?.takeTask() else { continue }
            task.criterion = number
            return task
        }
        if let shard = gradients.take() { return gradientTask(shard) }
        return cells.takeTask()
    }

    public mutating func returnTask(_ task: StrengthTask) {
        guard let number = task.criterion, criteria.indices.contains(number) else { return cells.returnTask(task) }
        if criteria[number].kind == .firstOrder { return gradients.giveBack(task.shards.lowerBound) }
        selections[number]?.returnTask(task.inSelection)
    }

    public mutating func record(_ evaluation: SearchState.Evaluation) throws(SearchError) -> [SelectionEvent] {
        let task = evaluation.task
        let wasFinished = isFinished
        let undecided = choices.indices.filter { choices[$0] == nil }
        if let number = task.criterion {
            guard criteria.indices.contains(number) else {
                throw .mismatch("a result is for criterion \(number) of \(criteria.count): \(task)")
            }
            if criteria[number].kind == .firstOrder {
                try record(gradient: evaluation, undecided)
            } else {
                try record(losses: evaluation, of: number)
            }
        } else {
            try cells.record(evaluation.losses, of: task)
        }
        if cells.isComplete, undecided.contains(where: { criteria[$0].kind == .exhaustive }) {
            let cell = allCells[exhaustiveLosses.best]
            for number in undecided where criteria[number].kind == .exhaustive {
                choose(
                    number,
                    Choice(operations: cell, kept: cell.map { _ in true }, evaluations: allCells.count * shards))
            }
        }
        let events = undecided.filter { choices[$0] != nil }.map { SelectionEvent.chosen(by: criteria[$0]) }
        return isFinished && !wasFinished ? events + [.finished] : events
    }

    private mutating func record(losses evaluation: SearchState.Evaluation, of number: Int) throws(SearchError) {
        let task = evaluation.task
        guard selections[number] != nil else { throw .mismatch("a result is for a criterion without losses: \(task)") }
        _ = try selections[number]?.record(task.inSelection, losses: evaluation.losses)
        guard choices[number] == nil, let selection = selections[number], selection.isFinished else { return }
        let found = selection.result
        choose(number, Choice(operations: found.operations, kept: found.kept, evaluations: found.evaluations))
    }

    public var isFinished: Bool { cells.isComplete && !choices.contains { $0 == nil } }

    public var progress: (done: Int, total: Int) {
        var (done, total) = (gradients.known + cells.knownShards, gradients.values.count + cells.count * shards)
        for selection in selections {
            guard let progress = selection?.progress else { continue }
            done += progress.done
            total += progress.total
        }
        // Each of them will have a cell, which is there already where all are.
        if allCells.isEmpty { total += shards * choices.count { $0 == nil } }
        return (done, total)
    }

    public func conclude(_ outcome: inout SearchOutcome) { outcome.comparison = result }

    /// Once finished.
    public var result: ComparisonResult {
        let rows = zip(criteria, choices).map { criterion, choice in
            guard let choice else { preconditionFailure("a criterion has not chosen") }
            return CriterionResult(
                criterion: criterion, operations: choice.operations, kept: choice.kept, loss: cells.loss(choice.cell),
                evaluations: choice.evaluations)
        }
        return ComparisonResult(
            criteria: rows, cells: allCells.isEmpty ? nil : exhaustiveLosses, images: shards * shardImages)
    }

    private var exhaustiveLosses: ExhaustiveLosses {
        ExhaustiveLosses(cells: allCells, losses: allCells.map(cells.loss))
    }

    private mutating func choose(_ number: Int, _ choice: Choice) {
        choices[number] = choice
        cells.add(choice.cell)
    }

    /// The edges' operations with the largest scores, and the nodes' edges that have the largest of them.
    private mutating func choose(_ number: Int, by scores: [[Float]], evaluations: Int) {
        let candidates = SelectionCandidates(space, withoutNone: criteria[number].withoutNone)
        choose(
            number,
            Choice(
                operations: candidates.largest(scores),
                kept: options.edgeChoice == .all ? scores.map { _ in true } : candidates.largestKept(scores),
                evaluations: evaluations))
    }

    /// A number in 0 ..< 1 for each operation of each edge.
    private var chance: [[Float]] {
        let draws = Philox(seed: options.edgeOrderSeed ?? 0, purpose: .edgeOrder, context: 1)
        return betas.indices.map { edge in
            space.operations.indices.map { draws.uniform(at: edge * space.operations.count + $0) }
        }
    }
}

// MARK: - first-order

extension CriteriaComparison {
    private func gradientTask(_ shard: Int) -> StrengthTask {
        StrengthTask(
            replacement: nil, decided: betas.map { _ in nil }, shards: shard..<(shard + 1),
            criterion: criteria.firstIndex { $0.kind == .firstOrder })
    }

    private mutating func record(gradient evaluation: SearchState.Evaluation, _ undecided: [Int]) throws(SearchError) {
        let task = evaluation.task
        guard let shard = task.shards.first, gradients.values.indices.contains(shard), task == gradientTask(shard),
            let gradient = evaluation.counted.derivatives, gradient.count == betas.count * space.operations.count
        else { throw .mismatch("a gradient fits no task of the comparison: \(task)") }
        guard gradients.record(gradient, at: shard) else {
            throw .mismatch("two gradients of the same task differ: \(task)")
        }
        guard gradients.isComplete else { return }
        let scores = CriteriaComparison.firstOrder(gradients.values.compactMap { $0 }, betas: betas)
        for number in undecided where criteria[number].kind == .firstOrder {
            choose(number, by: scores, evaluations: shards)
        }
    }

    /// The strength of each operation on each edge to first order, all edges being mixed.
    ///
    /// With β = softmax(α), ∂L/∂α of an operation is β (∂L/∂β − Σ β ∂L/∂β): the negative strength times β.
    ///
    /// - Parameter gradients: ∂L/∂α of each shard, (edges × operations).
    static func firstOrder(_ gradients: [[Float]], betas: [[Float]]) -> [[Float]] {
        var sums = [Double](repeating: 0, count: gradients.first?.count ?? 0)
        for gradient in gradients {
            for (place, value) in gradient.enumerated() { sums[place] += Double(value) }
        }
        return betas.enumerated().map { edge, row in
            row.enumerated().map { operation, beta in
                beta > 0
                    ? Float(-sums[edge * row.count + operation] / Double(beta) / Double(gradients.count)) : -.infinity
            }
        }
    }
}

// MARK: - exhaustive

extension CriteriaComparison {
    /// All complete cells, counted up with the last edge fastest.
    private static func completeCells(of space: SearchSpace) -> [[Int]] {
        space.candidates.reduce([[]]) { cells, candidates in
            cells.flatMap { cell in candidates.map { cell + [$0] } }
        }
    }

    /// - Throws: `SearchError.configuration` where `exhaustive` is impossible.
    static func requireExhaustible(_ space: SearchSpace) throws(SearchError) {
        guard !isExhaustible(space) else { return }
        throw .configuration(
            "the exhaustive choice is impossible in \(space.name): it has about 10^\(exponent(cellCount(space))) cells; at "
                + "most \(mostCells) are measured, of spaces whose nodes keep all edges")
    }

    /// Whether all complete cells of a space can be measured.
    public static func isExhaustible(_ space: SearchSpace) -> Bool {
        cellCount(space) <= Double(mostCells) && space.competingEdges.isEmpty
    }

    private static func cellCount(_ space: SearchSpace) -> Double {
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

extension StrengthTask {
    /// As the selection of its criterion knows it.
    fileprivate var inSelection: StrengthTask {
        StrengthTask(replacement: replacement, decided: decided, shards: shards)
    }
}

extension Criterion {
    /// Whether it decides edge by edge.
    fileprivate var isStepwise: Bool { kind == .strength || kind == .removal }
}

extension SelectionOptions {
    /// Those of one of the criteria that are compared.
    fileprivate func of(_ criterion: Criterion) -> SelectionOptions {
        var options = self
        options.criterion = criterion.kind == .removal ? .removal : .strength
        options.weight = criterion.weight
        return options
    }

    /// Those that a task is evaluated with: its criterion's where several are compared, with operations at weight 1 for a complete
    /// cell.
    func evaluating(_ task: StrengthTask) -> SelectionOptions {
        guard let compared else { return self }
        return task.criterion.map { of(compared[$0]) } ?? SelectionOptions()
    }

    /// Whether a gradient is asked for.
    func wantsGradient(_ task: StrengthTask) -> Bool {
        task.criterion.flatMap { compared?[$0].kind } == .firstOrder
    }
}
