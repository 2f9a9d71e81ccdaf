import Kernels

@testable import Search

/// The rule of the selection, word for word and one evaluation after the other: what every schedule has to give.
struct SelectionReference {
    let betas: [[Float]]
    let shards: Int
    let fullTable: Bool
    let rule: EdgeRule
    let criterion: SelectionCriterion
    /// With the seed 5.
    let edgeOrder: EdgeOrder
    let candidates: SelectionCandidates
    /// The loss of a shard, given decisions and replacement.
    let loss: (StrengthTask.Replacement?, [Int?], Int) -> LossSum

    private func shardLoss(_ replacement: StrengthTask.Replacement?, _ decided: [Int?], _ shard: Int) -> LossSum {
        var loss = loss(replacement, decided, shard)
        if !loss.loss.isFinite { loss.loss = .infinity }
        return loss
    }

    /// The operations measured for one edge.
    private struct Measured {
        var edge: Int
        var rows: [StrengthRow] = []
        var complete: [(operation: Int, loss: LossSum)] = []
        var chosen: (operation: Int, loss: LossSum)
        /// Of the best over the next best.
        var lead: Double
    }

    private func measure(_ edge: Int, _ decided: [Int?], before: LossSum, prunes: Bool) -> Measured {
        let removes = criterion == .removal
        let order = candidates.operations[edge].sorted {
            betas[edge][$0] > betas[edge][$1] || (betas[edge][$0] == betas[edge][$1] && $0 < $1)
        }
        var best = Double.infinity
        var complete: [(operation: Int, loss: LossSum)] = []
        var rows: [StrengthRow] = []
        for (position, operation) in order.enumerated() {
            var losses: [LossSum] = []
            var dropped = false
            while losses.count < shards && !dropped {
                losses.append(shardLoss(.init(edge: edge, operation: operation), decided, losses.count))
                let atBorder = losses.count % 8 == 0 && losses.count < shards
                dropped = prunes && position > 0 && atBorder && LossSum.sum(losses).loss > best
            }
            let sum = LossSum.sum(losses)
            if !dropped {
                best = min(best, sum.loss)
                complete.append((operation, sum))
            }
            let strength = removes ? sum.mean - before.mean : before.mean - sum.mean
            rows.append(
                StrengthRow(
                    edge: edge, operation: operation, beta: betas[edge][operation], lossSum: sum.loss,
                    shardsEvaluated: losses.count, complete: !dropped, chosen: false,
                    strength: !dropped && strength.isFinite ? strength : nil))
        }
        let sums = complete.map(\.loss.loss)
        let extreme = (removes ? sums.max() : sums.min()) ?? 0
        let winners = complete.filter { $0.loss.loss == extreme }
        let chosen = winners.min { $0.operation < $1.operation } ?? complete[0]
        let others = complete.filter { $0.operation != chosen.operation }.map(\.loss.loss)
        let next = removes ? others.max() : others.min()
        let lead = next.map { $0 == extreme ? 0 : abs($0 - extreme) } ?? .infinity
        rows.sort { $0.operation < $1.operation }
        for i in rows.indices where rows[i].operation == chosen.operation { rows[i].chosen = true }
        return Measured(edge: edge, rows: rows, complete: complete, chosen: chosen, lead: lead)
    }

    /// The result, and the edges in the order in which they were decided.
    func run() -> (result: SelectionResult, order: [Int]) {
        let nothing = [Int?](repeating: nil, count: betas.count)
        let supernet = LossSum.sum((0..<shards).map { shardLoss(nil, nothing, $0) })
        var decided = nothing
        var before = supernet
        var rows: [StrengthRow] = []
        var undecided = Array(betas.indices)
        var sequence: [Int] = []
        let permutation = Philox(seed: 5, purpose: .edgeOrder).permutation(of: betas.count)
        while !undecided.isEmpty {
            if criterion == .removal { before = LossSum.sum((0..<shards).map { shardLoss(nil, decided, $0) }) }
            let edges: [Int]
            switch edgeOrder {
            case .sequential: edges = [undecided[0]]
            case .reverse: edges = [undecided[undecided.count - 1]]
            case .random: edges = [permutation[sequence.count]]
            case .greedy: edges = undecided
            }
            let prunes = !fullTable && criterion == .strength && edgeOrder != .greedy
            let measured = edges.map { measure($0, decided, before: before, prunes: prunes) }
            var best = measured[0]
            for other in measured where other.lead > best.lead { best = other }
            rows += best.rows
            decided[best.edge] = best.chosen.operation
            before = best.chosen.loss
            sequence.append(best.edge)
            undecided.removeAll { $0 == best.edge }
        }
        rows.sort { ($0.edge, $0.operation) < ($1.edge, $1.operation) }
        let choices = decided.map { $0 ?? -1 }
        let magnitudeOperations = betas.indices.map { edge in
            candidates.operations[edge].first { operation in
                candidates.operations[edge].allSatisfy { betas[edge][$0] <= betas[edge][operation] }
            } ?? -1
        }
        var magnitudeKept = [Bool](repeating: true, count: betas.count)
        for edges in candidates.competing {
            for edge in edges {
                let better = edges.filter {
                    let (other, own) = (betas[$0][magnitudeOperations[$0]], betas[edge][magnitudeOperations[edge]])
                    return other > own || (other == own && $0 < edge)
                }
                magnitudeKept[edge] = better.count < candidates.kept
            }
        }
        var kept = [Bool](repeating: true, count: betas.count)
        if rule == .strength { keepStrongest(&decided, &kept, &rows) }
        if rule == .magnitude { kept = magnitudeKept }
        if rule == .all { magnitudeKept = magnitudeKept.map { _ in true } }
        let result = SelectionResult(
            supernet: supernet, rows: rows, operations: choices, kept: kept, magnitudeOperations: magnitudeOperations,
            magnitudeKept: magnitudeKept, images: supernet.images)
        return (result, sequence)
    }

    /// Node after node, leaves out the edges whose absence costs least.
    private func keepStrongest(_ decided: inout [Int?], _ kept: inout [Bool], _ rows: inout [StrengthRow]) {
        for edges in candidates.competing {
            let whole = LossSum.sum((0..<shards).map { shardLoss(nil, decided, $0) })
            let without = edges.map { edge in
                LossSum.sum(
                    (0..<shards).map { shardLoss(.init(edge: edge, operation: StrengthTask.leftOut), decided, $0) })
            }
            let before = decided
            for (place, edge) in edges.enumerated() {
                let stronger = edges.indices.filter {
                    without[$0].loss > without[place].loss || (without[$0].loss == without[place].loss && $0 < place)
                }
                kept[edge] = stronger.count < candidates.kept
                if !kept[edge] { decided[edge] = StrengthTask.leftOut }
                let strength = whole.mean - without[place].mean
                rows.append(
                    StrengthRow(
                        edge: edge, operation: StrengthTask.leftOut, beta: 0, lossSum: without[place].loss,
                        shardsEvaluated: shards, complete: true, chosen: !kept[edge],
                        strength: strength.isFinite ? strength : nil))
            }
            precondition(before != decided, "a node leaves something out")
        }
    }
}

/// One random selection problem: losses are a pure function of the task, with ties and losses that are not finite.
struct SelectionProblem {
    let edges: Int
    let operations: Int
    let shards: Int
    let betas: [[Float]]
    /// Nodes have edges one after the other, and keep one or two.
    let candidates: SelectionCandidates
    let rule: EdgeRule
    let criterion: SelectionCriterion
    let edgeOrder: EdgeOrder
    private let seed: Int
    private let notFinite: Bool
    private let ties: Bool

    init(seed: Int) {
        let random = Philox(seed: UInt64(seed), purpose: .synthetic, context: 1)
        self.seed = seed
        edges = 1 + random.integer(below: 6, at: 0)
        operations = 1 + random.integer(below: 5, at: 1)
        shards = [1, 3, 7, 8, 9, 16, 17, 24, 31, 40, 63, 64, 65, 100][random.integer(below: 14, at: 2)]
        ties = random.integer(below: 3, at: 3) == 0
        notFinite = random.integer(below: 4, at: 4) == 0
        let ties = ties
        let operations = operations
        betas = (0..<edges).map { edge in
            (0..<operations).map { operation in
                let index = 10 + edge * operations + operation
                return ties ? Float(random.integer(below: 2, at: index)) / 4 : random.uniform(at: index)
            }
        }
        var candidates = SelectionCandidates(edges: edges, operations: operations)
        rule = EdgeRule.allCases[random.integer(below: 3, at: 6)]
        criterion = random.integer(below: 4, at: 9) == 0 ? .removal : .strength
        edgeOrder = EdgeOrder.allCases[max(0, random.integer(below: 7, at: 100) - 3)]
        if random.integer(below: 2, at: 5) == 0 {
            if operations > 1 { candidates.operations = candidates.operations.map { Array($0.dropFirst()) } }
            candidates.kept = 1 + random.integer(below: 2, at: 7)
            let border = random.integer(below: edges + 1, at: 8)
            candidates.competing = [Array(0..<border), Array(border..<edges)].filter { $0.count > candidates.kept }
        }
        self.candidates = candidates
    }

    func loss(_ replacement: StrengthTask.Replacement?, _ decided: [Int?], _ shard: Int) -> LossSum {
        var hash = replacement.map { ($0.edge + 1) * 1000 + $0.operation + 1 } ?? 0
        for choice in decided { hash = hash &* 257 &+ (choice.map { $0 + 1 } ?? 0) }
        let random = Philox(seed: UInt64(seed), purpose: .synthetic, context: 2 + (hash & 0xFFFFFF), stream: shard)
        let operationWide = Philox(seed: UInt64(seed), purpose: .synthetic, context: 2 + (hash & 0xFFFFFF))
        let level = operationWide.integer(below: ties ? 2 : 4, at: 99)
        if notFinite && random.integer(below: 2 * shards, at: 7) == 0 {
            return LossSum(loss: [Double.nan, .infinity][random.integer(below: 2, at: 8)], correct: 0, images: 4)
        }
        let value = ties ? Double(1 + level) : Double(random.uniform(at: 0)) * 0.3 + Double(1 + level) * 0.5
        return LossSum(loss: value, correct: random.integer(below: 5, at: 9), images: 4)
    }

    func losses(of task: StrengthTask) -> [LossSum] {
        task.shards.map { loss(task.replacement, task.decided, $0) }
    }

    func reference(fullTable: Bool) -> (result: SelectionResult, order: [Int]) {
        SelectionReference(
            betas: betas, shards: shards, fullTable: fullTable, rule: rule, criterion: criterion, edgeOrder: edgeOrder,
            candidates: candidates, loss: loss
        ).run()
    }
}
