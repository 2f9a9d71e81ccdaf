import Kernels

@testable import Search

/// The rule of the selection, word for word and one evaluation after the other: what every schedule has to give.
struct SelectionReference {
    let betas: [[Float]]
    let shards: Int
    let fullTable: Bool
    /// The loss of a shard, given decisions and replacement.
    let loss: (StrengthTask.Replacement?, [Int?], Int) -> LossSum

    private func shardLoss(_ replacement: StrengthTask.Replacement?, _ decided: [Int?], _ shard: Int) -> LossSum {
        var loss = loss(replacement, decided, shard)
        if !loss.loss.isFinite { loss.loss = .infinity }
        return loss
    }

    func run() -> SelectionResult {
        let nothing = [Int?](repeating: nil, count: betas.count)
        let supernet = LossSum.sum((0..<shards).map { shardLoss(nil, nothing, $0) })
        var decided = nothing
        var before = supernet
        var rows: [StrengthRow] = []
        var choices: [Int] = []
        for edge in betas.indices {
            let order = betas[edge].indices.sorted {
                betas[edge][$0] > betas[edge][$1] || (betas[edge][$0] == betas[edge][$1] && $0 < $1)
            }
            var best = Double.infinity
            var complete: [(operation: Int, loss: LossSum)] = []
            var edgeRows: [StrengthRow] = []
            for (position, operation) in order.enumerated() {
                var losses: [LossSum] = []
                var dropped = false
                while losses.count < shards && !dropped {
                    losses.append(shardLoss(.init(edge: edge, operation: operation), decided, losses.count))
                    let atBorder = losses.count % 8 == 0 && losses.count < shards
                    dropped = !fullTable && position > 0 && atBorder && LossSum.sum(losses).loss > best
                }
                let sum = LossSum.sum(losses)
                if !dropped {
                    best = min(best, sum.loss)
                    complete.append((operation, sum))
                }
                let strength = before.mean - sum.mean
                edgeRows.append(
                    StrengthRow(
                        edge: edge, operation: operation, beta: betas[edge][operation], lossSum: sum.loss,
                        shardsEvaluated: losses.count, complete: !dropped, chosen: false,
                        strength: !dropped && strength.isFinite ? strength : nil))
            }
            var chosen = complete[0]
            for row in complete.sorted(by: { $0.operation < $1.operation }).reversed()
            where row.loss.loss <= complete.map(\.loss.loss).min() ?? 0 { chosen = row }
            edgeRows.sort { $0.operation < $1.operation }
            edgeRows[chosen.operation].chosen = true
            rows += edgeRows
            choices.append(chosen.operation)
            decided[edge] = chosen.operation
            before = chosen.loss
        }
        return SelectionResult(
            supernet: supernet, rows: rows, operations: choices,
            magnitudeOperations: betas.map { row in row.firstIndex(of: row.max() ?? 0) ?? 0 },
            images: supernet.images)
    }
}

/// One random selection problem: losses are a pure function of the task, with ties and losses that are not finite.
struct SelectionProblem {
    let edges: Int
    let operations: Int
    let shards: Int
    let betas: [[Float]]
    private let seed: Int
    private let notFinite: Bool
    private let ties: Bool

    init(seed: Int) {
        let random = Philox(seed: UInt64(seed), purpose: .synthetic, context: 1)
        self.seed = seed
        edges = 1 + random.integer(below: 4, at: 0)
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
    }

    func loss(_ replacement: StrengthTask.Replacement?, _ decided: [Int?], _ shard: Int) -> LossSum {
        var hash = replacement.map { ($0.edge + 1) * 10 + $0.operation + 1 } ?? 0
        for choice in decided { hash = hash &* 11 &+ (choice.map { $0 + 1 } ?? 0) }
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

    func reference(fullTable: Bool) -> SelectionResult {
        SelectionReference(betas: betas, shards: shards, fullTable: fullTable, loss: loss).run()
    }
}
