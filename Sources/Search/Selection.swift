import Kernels

/// The choice of operations by strength, as a pure value: it hands out tasks and takes their results, in any order and
/// from any number of workers, and what it decides and records does not depend on either.
///
/// Edges are decided in order, from 0. For an edge e, every operation o in turn stands alone in the place of the edge's
/// mixture, with the edges before it decided and those after it mixed, and strength(e, o) = L(supernet) − L(replaced).
/// The strongest operation, that with the smallest loss, is kept; ties go to the lower index. A loss that is not finite
/// counts as infinity. `EdgeEvaluation` says when an operation is dropped before all images were seen.
///
/// Tasks are blocks of 8 shards. An edge's tasks exist once the edge before it is decided.
public struct Selection: Sendable {
    /// Shards of a task, and the distance of the borders at which operations are dropped.
    public static let blockShards = 8

    private let betas: [[Float]]
    private let shards: Int
    private let options: SelectionOptions
    /// One an edge that was begun.
    private var edges: [EdgeEvaluation] = []
    private var choices: [Int] = []
    private var handedOut = 0
    private var recordedShards = 0
    private var imagesOfShard: Int?

    /// - Parameters:
    ///   - betas: β of each edge, (edges, operations).
    ///   - shards: whole shards of held-out images.
    public init(betas: [[Float]], shards: Int, options: SelectionOptions) {
        precondition(!betas.isEmpty && shards > 0 && betas.allSatisfy { !$0.isEmpty && $0.count == betas[0].count })
        self.betas = betas
        self.shards = shards
        self.options = options
        beginEdge()
    }

    /// Whether every edge is decided.
    public var isFinished: Bool { choices.count == betas.count }

    /// The next task that nobody has, or nil when all tasks that are known to be needed are out or done.
    ///
    /// Tasks come in the order of the rule, whatever of it is still unknown, but for those that the results so far
    /// prove unnecessary.
    public mutating func takeTask() -> StrengthTask? {
        guard !isFinished else { return nil }
        guard let (candidate, block) = edges[edges.count - 1].take(order: handedOut) else { return nil }
        handedOut += 1
        return task(candidate: candidate, block: block)
    }

    /// A task that is out, once more, for a worker that would idle: one with the fewest copies, the oldest of those; nil
    /// when none is out.
    public mutating func duplicateTask() -> StrengthTask? {
        guard !isFinished else { return nil }
        guard let (candidate, block) = edges[edges.count - 1].duplicate() else { return nil }
        return task(candidate: candidate, block: block)
    }

    /// Puts a task back whose worker was lost. It is handed out again unless another copy of it is out, its result is
    /// known or it is not needed any more.
    public mutating func returnTask(_ task: StrengthTask) {
        guard let place = place(of: task), place.edge == edges.count - 1 else { return }
        edges[place.edge].giveBack(candidate: place.candidate, block: place.block)
    }

    /// Records a result. A second, equal result of the same task changes nothing.
    /// - Throws: `SearchError.mismatch` when a result differs from one recorded before, or fits no task.
    public mutating func record(_ task: StrengthTask, losses: [LossSum]) throws(SearchError) -> [SelectionEvent] {
        guard let place = place(of: task) else { throw .mismatch("a result fits no task of the selection: \(task)") }
        let losses = try checked(losses, of: task)
        if case .known(let known) = edges[place.edge].candidates[place.candidate].blocks[place.block] {
            guard known == losses else {
                throw .mismatch("two results of the same task differ: \(task), \(known) and \(losses)")
            }
            return []
        }
        guard place.edge == choices.count else { return [] }
        edges[place.edge].record(losses, candidate: place.candidate, block: place.block)
        recordedShards += losses.count
        guard let choice = edges[place.edge].choice else { return [] }
        choices.append(choice)
        if isFinished { return [.edgeDecided(edge: place.edge, operation: choice), .finished] }
        beginEdge()
        return [.edgeDecided(edge: place.edge, operation: choice)]
    }

    /// Evaluations (operation × shard) that results were recorded for, and that the full table would need.
    public var progress: (done: Int, total: Int) {
        (recordedShards, shards * (1 + betas.count * betas[0].count))
    }

    private mutating func beginEdge() {
        let edge = choices.count
        let undecided = [Int?](repeating: nil, count: betas.count - edge)
        edges.append(
            EdgeEvaluation(
                edge: edge, decided: choices.map { $0 } + undecided, betas: betas[edge],
                blocks: (shards + Selection.blockShards - 1) / Selection.blockShards, prunes: !options.fullTable,
                includesSupernet: edge == 0))
    }

    private func range(ofBlock block: Int) -> Range<Int> {
        let start = block * Selection.blockShards
        return start..<min(start + Selection.blockShards, shards)
    }

    private func task(candidate: Int, block: Int) -> StrengthTask {
        let edge = edges[edges.count - 1]
        return StrengthTask(
            replacement: edge.candidates[candidate].operation.map { .init(edge: edge.edge, operation: $0) },
            decided: edge.decided, shards: range(ofBlock: block))
    }

    /// Where a task's result belongs; nil for a task that was never part of this selection.
    private func place(of task: StrengthTask) -> (edge: Int, candidate: Int, block: Int)? {
        let edge = task.replacement?.edge ?? 0
        guard edges.indices.contains(edge), edges[edge].decided == task.decided,
            let candidate = edges[edge].candidates.firstIndex(where: { $0.operation == task.replacement?.operation }),
            task.shards.lowerBound >= 0, task.shards.lowerBound < shards
        else { return nil }
        let block = task.shards.lowerBound / Selection.blockShards
        return range(ofBlock: block) == task.shards ? (edge, candidate, block) : nil
    }

    /// Losses with infinity in the place of what is not finite.
    private mutating func checked(_ losses: [LossSum], of task: StrengthTask) throws(SearchError) -> [LossSum] {
        guard losses.count == task.shards.count else {
            throw .mismatch("a result has \(losses.count) losses for \(task.shards.count) shards: \(task)")
        }
        let images = imagesOfShard ?? losses[0].images
        for loss in losses {
            guard loss.images == images, (1...Int(Int32.max)).contains(images), (0...images).contains(loss.correct),
                !(loss.loss.isFinite && loss.loss < 0)
            else {
                throw .mismatch("a result has an impossible loss, \(loss), for a shard of \(images) images: \(task)")
            }
        }
        imagesOfShard = images
        return losses.map {
            $0.loss.isFinite ? $0 : LossSum(loss: .infinity, correct: $0.correct, images: $0.images)
        }
    }
}

extension Selection {
    /// Once finished.
    public var result: SelectionResult {
        precondition(isFinished)
        let supernet = LossSum.sum(edges[0].candidates[0].losses)
        var before = supernet
        var rows: [StrengthRow] = []
        for edge in edges {
            let chosen = choices[edge.edge]
            let operations = edge.candidates.filter { $0.operation != nil }
            var chosenLoss = before
            for candidate in operations.sorted(by: { ($0.operation ?? 0) < ($1.operation ?? 0) }) {
                guard let operation = candidate.operation else { continue }
                let complete = candidate.needed == candidate.blocks.count
                let loss = LossSum.sum(candidate.losses)
                let strength = before.mean - loss.mean
                rows.append(
                    StrengthRow(
                        edge: edge.edge, operation: operation, beta: candidate.beta, lossSum: loss.loss,
                        shardsEvaluated: candidate.losses.count, complete: complete, chosen: operation == chosen,
                        strength: complete && strength.isFinite ? strength : nil))
                if operation == chosen { chosenLoss = loss }
            }
            before = chosenLoss
        }
        return SelectionResult(
            supernet: supernet, rows: rows, operations: choices,
            magnitudeOperations: betas.map { SelectionResult.magnitude($0) }, images: supernet.images)
    }
}
