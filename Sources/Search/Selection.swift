import Kernels
import Supernet

/// The choice of operations by strength, as a pure value: it hands out tasks and takes their results, in any order and
/// from any number of workers, and what it decides and records does not depend on either.
///
/// Edges are decided in an order, by default from 0. For an edge e, every operation o in turn stands alone in the place of
/// the edge's mixture, with the edges before it decided and those after it mixed, and strength(e, o) = L(supernet) −
/// L(replaced). The strongest operation, that with the smallest loss, is kept; ties go to the lower index. A loss that is
/// not finite counts as infinity. `DecisionEvaluation` says when an operation is dropped before all images were seen.
/// `SelectionOptions` has other criteria and orders; how a task is evaluated is then the evaluator's to know.
///
/// Then, where nodes keep only some of their edges, node by node: every edge is left out in turn, and those without which
/// the loss is largest are kept.
///
/// With `SelectionOptions.racing` or `halving` an operation is dropped before all images were seen by what it lost so far
/// (`Rounds`).
///
/// Tasks are blocks of 8 shards. A decision's tasks exist once the decision before it is taken.
public struct Selection: Sendable {
    /// Shards of a task, and the distance of the borders at which operations are dropped.
    public static let blockShards = 8

    /// How long evaluations may be known and not be kept, where checkpoints are; each decision is kept at once.
    public static let saveInterval = Duration.seconds(10)

    private let betas: [[Float]]
    private let shards: Int
    private let options: SelectionOptions
    private let candidates: SelectionCandidates
    /// One a decision that was begun: edges' operations, then nodes' edges.
    private var evaluations: [DecisionEvaluation] = []
    /// By edge: its operation, once decided.
    private var choices: [Int?]
    /// Edges in the order in which they were decided here.
    private var decidedEdges: [Int] = []
    /// Edges in the order in which they are decided; nil where results tell the order.
    private let order: [Int]?
    /// The edges kept by each node decided, in the order of `candidates.competing`.
    private var kept: [[Int]] = []
    private var handedOut = 0
    private var recordedShards = 0
    private var imagesOfShard: Int?

    /// - Parameters:
    ///   - betas: β of each edge, (edges, operations).
    ///   - shards: whole shards of held-out images.
    ///   - candidates: nil for every operation, and all edges.
    ///   - decided: what was decided before, by edge; nil for nothing.
    public init(
        betas: [[Float]], shards: Int, options: SelectionOptions, candidates: SelectionCandidates? = nil,
        decided: [Int?]? = nil
    ) {
        precondition(!betas.isEmpty && shards > 0 && betas.allSatisfy { !$0.isEmpty && $0.count == betas[0].count })
        let candidates = candidates ?? SelectionCandidates(edges: betas.count, operations: betas[0].count)
        precondition(candidates.operations.count == betas.count && candidates.operations.allSatisfy { !$0.isEmpty })
        self.betas = betas
        self.shards = shards
        self.options = options
        self.candidates = candidates
        choices = decided ?? Array(repeating: nil, count: betas.count)
        precondition(choices.count == betas.count, "a choice for each edge")
        order = Selection.order(edges: betas.count, options)
        begin()
    }

    private static func order(edges: Int, _ options: SelectionOptions) -> [Int]? {
        switch options.edgeOrder ?? .sequential {
        case .sequential: Array(0..<edges)
        case .reverse: (0..<edges).reversed()
        case .random: Philox(seed: options.edgeOrderSeed ?? 0, purpose: .edgeOrder).permutation(of: edges)
        case .greedy: nil
        }
    }

    private var criterion: SelectionCriterion { options.criterion ?? .strength }

    /// With the candidates of the plan's search space.
    ///
    /// - Throws: `SearchError.mismatch` when β are not those of the space.
    public init(betas: [[Float]], plan: TrainingPlan) throws(SearchError) {
        let space = try plan.space(fitting: betas)
        self.init(
            betas: betas, shards: plan.selectionShards, options: plan.configuration.selection,
            candidates: SelectionCandidates(space, withoutNone: plan.configuration.selection.withoutNone ?? false),
            decided: plan.configuration.stage?.decided)
    }

    /// Nodes whose edges are chosen by strength.
    private var nodes: [[Int]] { options.edgeChoice ?? .strength == .strength ? candidates.competing : [] }

    /// Whether everything is decided; with training between decisions, whether one edge is.
    public var isFinished: Bool {
        if options.fineTuneEpochs != nil, !decidedEdges.isEmpty { return true }
        return !choices.contains(nil) && kept.count == nodes.count
    }

    /// The next task that nobody has, or nil when all tasks that are known to be needed are out or done.
    ///
    /// Tasks come in the order of the rule, whatever of it is still unknown, but for those that the results so far
    /// prove unnecessary.
    public mutating func takeTask() -> StrengthTask? {
        guard !isFinished else { return nil }
        guard let (candidate, block) = evaluations[evaluations.count - 1].take(order: handedOut) else { return nil }
        handedOut += 1
        return task(candidate: candidate, block: block)
    }

    /// A task that is out, once more, for a worker that would idle: one with the fewest copies, the oldest of those; nil
    /// when none is out.
    public mutating func duplicateTask() -> StrengthTask? {
        guard !isFinished else { return nil }
        guard let (candidate, block) = evaluations[evaluations.count - 1].duplicate() else { return nil }
        return task(candidate: candidate, block: block)
    }

    /// Puts a task back whose worker was lost. It is handed out again unless another copy of it is out, its result is
    /// known or it is not needed any more.
    public mutating func returnTask(_ task: StrengthTask) {
        guard let place = place(of: task), place.decision == evaluations.count - 1 else { return }
        evaluations[place.decision].giveBack(candidate: place.candidate, block: place.block)
    }

    /// Records a result. A second, equal result of the same task changes nothing.
    /// - Throws: `SearchError.mismatch` when a result differs from one recorded before, or fits no task.
    public mutating func record(_ task: StrengthTask, losses: [LossSum]) throws(SearchError) -> [SelectionEvent] {
        guard let place = place(of: task) else { throw .mismatch("a result fits no task of the selection: \(task)") }
        let losses = try Selection.checked(losses, of: task, imagesOfShard: &imagesOfShard)
        if case .known(let known) = evaluations[place.decision].candidates[place.candidate].blocks[place.block] {
            guard known == losses else {
                throw .mismatch("two results of the same task differ: \(task), \(known) and \(losses)")
            }
            return []
        }
        guard place.decision == decidedEdges.count + kept.count else { return [] }
        evaluations[place.decision].record(losses, candidate: place.candidate, block: place.block)
        recordedShards += losses.count
        guard evaluations[place.decision].isResolved else { return [] }
        let event = decide(evaluations[place.decision])
        if isFinished { return [event, .finished] }
        begin()
        return [event]
    }

    /// Evaluations (replacement × shard) that results were recorded for, and that the full table would need; with the order
    /// `greedy` the latter is not known before the end.
    public var progress: (done: Int, total: Int) {
        var whole = evaluations.reduce(0) { $0 + $1.candidates.count }
        if options.fineTuneEpochs != nil { return (recordedShards, shards * whole) }
        var rest = upcoming
        if evaluations.count == decidedEdges.count + kept.count + 1, !rest.isEmpty { rest.removeFirst() }
        while !rest.isEmpty {
            let measured = order == nil ? rest : [rest[0]]
            whole += measured.reduce(criterion == .removal ? 1 : 0) { $0 + candidates.operations[$1].count }
            rest.removeFirst()
        }
        for node in nodes.dropFirst(max(evaluations.count - betas.count, 0)) { whole += 1 + node.count }
        return (recordedShards, shards * whole)
    }

    /// Edges that are not decided, in their order.
    private var upcoming: [Int] {
        if let order { return order.filter { choices[$0] == nil } }
        return choices.indices.filter { choices[$0] == nil }
    }

    /// Takes the decision that an evaluation, the last one, leads to.
    private mutating func decide(_ evaluation: DecisionEvaluation) -> SelectionEvent {
        if choices.contains(nil) {
            guard let (edge, operation) = evaluation.decision(largestWins: criterion == .removal) else {
                preconditionFailure("an edge without a candidate measured whole")
            }
            choices[edge] = operation
            decidedEdges.append(edge)
            return .edgeDecided(edge: edge, operation: operation)
        }
        kept.append(evaluation.strongestEdges(candidates.kept))
        return .edgesKept(kept[kept.count - 1])
    }

    /// Whether each edge is left, given the nodes decided so far.
    private var isKept: [Bool] {
        var result = Array(repeating: true, count: betas.count)
        for (edges, kept) in zip(candidates.competing, kept) {
            for edge in edges where !kept.contains(edge) { result[edge] = false }
        }
        return result
    }

    /// Begins the next decision.
    private mutating func begin() {
        let blocks = (shards + Selection.blockShards - 1) / Selection.blockShards
        let upcoming = upcoming
        if !upcoming.isEmpty {
            let edges = (order == nil ? upcoming : [upcoming[0]]).map { edge in
                DecisionEvaluation.Edge(number: edge, operations: candidates.operations[edge], betas: betas[edge])
            }
            // The largest loss may still grow, and a lead is not known before both are.
            let prunes = !options.fullTable && criterion == .strength && order != nil
            let rounds =
                edges.count > 1 || order == nil
                ? nil
                : Rounds(
                    options, shards: shards, blocks: blocks, candidates: edges[0].operations.count,
                    decisions: betas.count)
            evaluations.append(
                DecisionEvaluation(
                    edges: edges, decided: choices, blocks: blocks, prunes: prunes && rounds == nil, rounds: rounds,
                    includesSupernet: evaluations.isEmpty || criterion == .removal))
        } else {
            let decided = zip(choices, isKept).map { $1 ? $0 : StrengthTask.leftOut }
            evaluations.append(DecisionEvaluation(nodeEdges: nodes[kept.count], decided: decided, blocks: blocks))
        }
    }

    private func range(ofBlock block: Int) -> Range<Int> { Selection.range(ofBlock: block, of: shards) }

    /// A block of so many shards in all.
    static func range(ofBlock block: Int, of shards: Int) -> Range<Int> {
        let start = block * blockShards
        return start..<min(start + blockShards, shards)
    }

    private func task(candidate: Int, block: Int) -> StrengthTask {
        let evaluation = evaluations[evaluations.count - 1]
        return StrengthTask(
            replacement: evaluation.candidates[candidate].replacement, decided: evaluation.decided,
            shards: range(ofBlock: block))
    }

    /// Where a task's result belongs; nil for a task that was never part of this selection.
    private func place(of task: StrengthTask) -> (decision: Int, candidate: Int, block: Int)? {
        // What was decided before differs from decision to decision.
        guard let decision = evaluations.lastIndex(where: { $0.decided == task.decided }),
            let candidate = evaluations[decision].candidates.firstIndex(where: {
                $0.replacement == task.replacement
            }), task.shards.lowerBound >= 0, task.shards.lowerBound < shards
        else { return nil }
        let block = task.shards.lowerBound / Selection.blockShards
        return range(ofBlock: block) == task.shards ? (decision, candidate, block) : nil
    }

    /// Losses with infinity in the place of what is not finite.
    ///
    /// - Parameter imagesOfShard: of the results before, to which it is set with the first one.
    static func checked(
        _ losses: [LossSum], of task: StrengthTask, imagesOfShard: inout Int?
    ) throws(SearchError) -> [LossSum] {
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
        return SearchState.Evaluation(task: task, losses: losses).counted.losses
    }
}

extension TrainingPlan {
    /// The search space of the configuration.
    ///
    /// - Throws: `SearchError.mismatch` when β are not those of the space.
    func space(fitting betas: [[Float]]) throws(SearchError) -> SearchSpace {
        guard let space = try? SearchSpace.of(configuration.supernet), betas.count == space.edges.count,
            betas.allSatisfy({ $0.count == space.operations.count })
        else {
            throw .mismatch("β of \(betas.count) edges are not those of the space \(configuration.supernet.space)")
        }
        return space
    }
}

extension Selection {
    /// Once finished.
    public var result: SelectionResult {
        precondition(isFinished)
        let supernet = LossSum.sum(evaluations[0].candidates[0].losses)
        let isKept = finallyKept
        // The losses by shard of what a replacement is compared with.
        var before = evaluations[0].candidates[0].losses
        var rows: [StrengthRow] = []
        for (number, evaluation) in evaluations.enumerated() {
            if let standing = evaluation.candidates.first, standing.replacement == nil {
                before = standing.losses
            }
            var chosenLosses = before
            for candidate in evaluation.candidates.filter({ $0.replacement != nil }).sorted(by: Selection.isBefore) {
                guard let replacement = candidate.replacement,
                    number >= decidedEdges.count || replacement.edge == decidedEdges[number]
                else { continue }
                let complete = candidate.needed == candidate.blocks.count
                let losses = candidate.losses
                let isRemoval = criterion == .removal && replacement.operation != StrengthTask.leftOut
                let strength = Selection.difference(before, losses) * (isRemoval ? -1 : 1)
                let isChosen =
                    replacement.operation == StrengthTask.leftOut
                    ? !isKept[replacement.edge] : choices[replacement.edge] == replacement.operation
                rows.append(
                    StrengthRow(
                        edge: replacement.edge, operation: replacement.operation, beta: candidate.beta,
                        lossSum: LossSum.sum(losses).loss, shardsEvaluated: losses.count, complete: complete,
                        chosen: isChosen, strength: (complete || isThinnedOut) && strength.isFinite ? strength : nil))
                if isChosen { chosenLosses = losses }
            }
            before = chosenLosses
        }
        let keepsAll = options.edgeChoice == .all
        let first = rows.prefix { $0.operation != StrengthTask.leftOut }
        rows = first.sorted { ($0.edge, $0.operation) < ($1.edge, $1.operation) } + rows.dropFirst(first.count)
        return SelectionResult(
            supernet: supernet, rows: rows, operations: choices.map { $0 ?? 0 }, kept: isKept,
            magnitudeOperations: candidates.largest(betas),
            magnitudeKept: keepsAll ? betas.map { _ in true } : candidates.largestKept(betas),
            images: supernet.images, shards: shards,
            evaluations: evaluations.reduce(0) { $0 + $1.candidates.reduce(0) { $0 + $1.losses.count } },
            fullTableEvaluations: shards * evaluations.reduce(0) { $0 + $1.candidates.count })
    }

    /// Whether candidates are measured on ever more images, of which the losses are a sample.
    private var isThinnedOut: Bool { options.racing != nil || options.halving ?? false }

    /// The difference of two mean losses, on the shards that both were measured on.
    private static func difference(_ a: [LossSum], _ b: [LossSum]) -> Double {
        let count = min(a.count, b.count)
        return LossSum.sum(Array(a.prefix(count))).mean - LossSum.sum(Array(b.prefix(count))).mean
    }

    private var finallyKept: [Bool] {
        options.edgeChoice == .magnitude ? candidates.largestKept(betas) : isKept
    }

    private static func isBefore(_ a: DecisionEvaluation.Candidate, _ b: DecisionEvaluation.Candidate) -> Bool {
        func key(_ candidate: DecisionEvaluation.Candidate) -> (Int, Int) {
            (candidate.replacement?.edge ?? -1, candidate.replacement?.operation ?? -1)
        }
        return key(a) < key(b)
    }
}
