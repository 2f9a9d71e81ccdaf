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
    let racing: Double?
    let halving: Bool
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
        var chosen: (operation: Int, losses: [LossSum])
        /// Of the best over the next best.
        var lead: Double
    }

    private func measure(_ edge: Int, _ decided: [Int?], before: [LossSum], prunes: Bool) -> Measured {
        if (racing != nil || halving) && candidates.operations[edge].count > 1 {
            return thinOut(edge, decided, before: before)
        }
        let removes = criterion == .removal
        let order = candidates.operations[edge].sorted {
            betas[edge][$0] > betas[edge][$1] || (betas[edge][$0] == betas[edge][$1] && $0 < $1)
        }
        var best = Double.infinity
        var complete: [(operation: Int, losses: [LossSum])] = []
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
                complete.append((operation, losses))
            }
            let reference = LossSum.sum(before)
            let common = LossSum.sum(Array(losses.prefix(before.count)))
            let standing = before.count <= losses.count ? reference : LossSum.sum(Array(before.prefix(losses.count)))
            let strength = removes ? common.mean - standing.mean : standing.mean - common.mean
            rows.append(
                StrengthRow(
                    edge: edge, operation: operation, beta: betas[edge][operation], lossSum: sum.loss,
                    shardsEvaluated: losses.count, complete: !dropped, chosen: false,
                    strength: !dropped && strength.isFinite ? strength : nil))
        }
        let sums = complete.map { LossSum.sum($0.losses).loss }
        let extreme = (removes ? sums.max() : sums.min()) ?? 0
        let winners = complete.filter { LossSum.sum($0.losses).loss == extreme }
        let chosen = winners.min { $0.operation < $1.operation } ?? complete[0]
        let others = complete.filter { $0.operation != chosen.operation }.map { LossSum.sum($0.losses).loss }
        let next = removes ? others.max() : others.min()
        let lead = next.map { $0 == extreme ? 0 : abs($0 - extreme) } ?? .infinity
        rows.sort { $0.operation < $1.operation }
        for i in rows.indices where rows[i].operation == chosen.operation { rows[i].chosen = true }
        return Measured(edge: edge, rows: rows, chosen: chosen, lead: lead)
    }

    /// One edge by racing or halving, round after round.
    private func thinOut(_ edge: Int, _ decided: [Int?], before: [LossSum]) -> Measured {
        let removes = criterion == .removal
        let blocks = (shards + 7) / 8
        var left = candidates.operations[edge]
        var losses = [[LossSum]](repeating: [], count: betas[edge].count)
        var ends: [Int] = []
        if halving {
            var count = left.count
            while count > 1 {
                ends.append(0)
                count = (count + 1) / 2
            }
            for round in ends.indices {
                ends[round] = (blocks + (1 << (ends.count - 1 - round)) - 1) >> (ends.count - 1 - round)
            }
        } else {
            var end = 1
            while end < blocks {
                ends.append(end)
                end *= 2
            }
            ends.append(blocks)
        }
        let risk = (1 - (racing ?? 0)) / Double(betas.count * (left.count - 1) * max(ends.count - 1, 1))
        for end in ends where left.count > 1 {
            let measured = min(8 * end, shards)
            for operation in left {
                losses[operation] = (0..<measured).map {
                    shardLoss(.init(edge: edge, operation: operation), decided, $0)
                }
            }
            let sums = losses.map { LossSum.sum($0).loss }
            if halving {
                // One leaves for each pair: the worst, of equals the higher operation.
                for _ in 0..<left.count / 2 {
                    let worst = removes ? left.map { sums[$0] }.min() : left.map { sums[$0] }.max()
                    if let place = left.lastIndex(where: { sums[$0] == worst }) { left.remove(at: place) }
                }
            } else {
                let before = left
                left = before.filter { operation in
                    !before.contains { other in
                        let (worse, better) = removes ? (other, operation) : (operation, other)
                        guard operation != other, sums[better] < sums[worse] else { return false }
                        let differences = zip(losses[worse], losses[better]).map { $0.loss - $1.loss }
                        return sums[worse] == .infinity
                            || PairedTest.isAboveZero(differences, of: shards, risk: risk)
                    }
                }
            }
        }
        let sums = losses.map { LossSum.sum($0).loss }
        let extreme = removes ? left.map { sums[$0] }.max() : left.map { sums[$0] }.min()
        let chosen = left.first { sums[$0] == extreme } ?? left[0]
        let rows = candidates.operations[edge].map { operation in
            let count = min(losses[operation].count, before.count)
            let own = LossSum.sum(Array(losses[operation].prefix(count))).mean
            let strength = LossSum.sum(Array(before.prefix(count))).mean - own
            return StrengthRow(
                edge: edge, operation: operation, beta: betas[edge][operation], lossSum: sums[operation],
                shardsEvaluated: losses[operation].count, complete: losses[operation].count == shards,
                chosen: operation == chosen, strength: strength.isFinite ? (removes ? -strength : strength) : nil)
        }
        return Measured(edge: edge, rows: rows, chosen: (chosen, losses[chosen]), lead: 0)
    }

    /// The result, and the edges in the order in which they were decided.
    func run() -> (result: SelectionResult, order: [Int]) {
        var (evaluations, whole) = (shards, shards)
        let nothing = [Int?](repeating: nil, count: betas.count)
        let supernet = (0..<shards).map { shardLoss(nil, nothing, $0) }
        var decided = nothing
        var before = supernet
        var rows: [StrengthRow] = []
        var undecided = Array(betas.indices)
        var sequence: [Int] = []
        let permutation = Philox(seed: 5, purpose: .edgeOrder).permutation(of: betas.count)
        while !undecided.isEmpty {
            if criterion == .removal {
                before = (0..<shards).map { shardLoss(nil, decided, $0) }
                // The supernet itself is measured anyway before the first decision.
                if !sequence.isEmpty { (evaluations, whole) = (evaluations + shards, whole + shards) }
            }
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
            evaluations += measured.reduce(0) { $0 + $1.rows.reduce(0) { $0 + $1.shardsEvaluated } }
            whole += shards * measured.reduce(0) { $0 + $1.rows.count }
            rows += best.rows
            decided[best.edge] = best.chosen.operation
            before = best.chosen.losses
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
        if rule == .strength {
            keepStrongest(&decided, &kept, &rows)
            let left = shards * candidates.competing.reduce(0) { $0 + 1 + $1.count }
            (evaluations, whole) = (evaluations + left, whole + left)
        }
        if rule == .magnitude { kept = magnitudeKept }
        if rule == .all { magnitudeKept = magnitudeKept.map { _ in true } }
        let result = SelectionResult(
            supernet: LossSum.sum(supernet), rows: rows, operations: choices, kept: kept,
            magnitudeOperations: magnitudeOperations, magnitudeKept: magnitudeKept,
            images: LossSum.sum(supernet).images, shards: shards, evaluations: evaluations, fullTableEvaluations: whole)
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
    /// How candidates are thinned out, where the full table is not asked for.
    let racing: Double?
    let halving: Bool
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
        let kind = edgeOrder == .greedy ? 0 : random.integer(below: 4, at: 101)
        racing = kind == 1 ? [0.6, 0.9, 0.99][random.integer(below: 3, at: 102)] : nil
        halving = kind == 2
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

    func reference(fullTable: Bool, thinsOut: Bool = true) -> (result: SelectionResult, order: [Int]) {
        SelectionReference(
            betas: betas, shards: shards, fullTable: fullTable, rule: rule, criterion: criterion, edgeOrder: edgeOrder,
            candidates: candidates, racing: fullTable || !thinsOut ? nil : racing,
            halving: !fullTable && thinsOut && halving, loss: loss
        ).run()
    }
}
