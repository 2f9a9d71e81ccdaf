import Kernels

/// The measurements from which one decision is taken: losses of supernets that differ in one edge, block by block.
///
/// For an edge's operation: the operation with the largest β comes first and is measured whole; the others follow by
/// falling β (ties: lower index). Where it prunes, an operation is dropped at the first block border at which its partial sum exceeds the
/// smallest complete sum among the operations before it. Losses are never negative and rounding is monotone, so partial
/// sums never fall, and a dropped operation could not have won.
///
/// In rounds, all candidates are measured on the first border's blocks, then those that `Rounds` leaves on the next border's, until
/// one is left or all blocks are measured.
///
/// For the edges that a node keeps: the supernet without each of them in turn, all measured whole.
///
/// `needed` of a candidate bounds from above, given what is known so far, the blocks that this rule looks at; once all
/// of them are known, it is the rule's own border. Blocks measured beyond it are not looked at.
struct DecisionEvaluation: Sendable {
    /// One line of the table: a replacement, or the supernet as it stands.
    struct Candidate: Sendable {
        enum Block: Sendable {
            /// Nobody has it.
            case waiting
            /// Handed out `copies` times, first as number `order`.
            case out(copies: Int, order: Int)
            /// The losses of its shards.
            case known([LossSum])
        }

        let replacement: StrengthTask.Replacement?
        let beta: Float
        var blocks: [Block]
        /// The tree sum of each block's losses; 0 where it is not known.
        var sums: [Double]
        /// Blocks 0 ..< needed may still matter.
        var needed: Int
        var known = 0
        /// No block below is waiting.
        var cursor = 0
        /// Whether a round has dropped it.
        var isDropped = false

        var isWhole: Bool { known == blocks.count }

        /// Losses of blocks 0 ..< count, 0 for blocks not known. A block is a complete subtree of the summation tree, so
        /// this is the tree's sum over their shards.
        func sum(blocks count: Int) -> Double { SummationTree.sum(count: count) { sums[$0] } }

        var isResolved: Bool {
            blocks.prefix(needed).allSatisfy { if case .known = $0 { true } else { false } }
        }

        /// The losses of blocks 0 ..< needed, once resolved.
        var losses: [LossSum] {
            blocks.prefix(needed).flatMap { if case .known(let losses) = $0 { losses } else { [LossSum]() } }
        }
    }

    /// What was decided before.
    let decided: [Int?]
    /// In the order of the rule; where the supernet itself is measured too, it comes first.
    var candidates: [Candidate]
    private let prunes: Bool
    private let rounds: Rounds?
    /// The round that is being measured; as many as there are once its candidates are decided.
    private var round = 0

    /// An edge that may be decided.
    struct Edge {
        let number: Int
        /// The candidates, rising.
        let operations: [Int]
        /// Of all operations.
        let betas: [Float]
    }

    /// The choice of an edge's operation; of several edges, one is decided.
    ///
    /// - Parameters:
    ///   - prunes: for one edge only, and where the smallest sum wins.
    ///   - rounds: for one edge only; nil: all are measured whole, but for pruning.
    ///   - includesSupernet: whether the supernet as it stands is measured too, on all blocks.
    init(
        edges: [Edge], decided: [Int?], blocks: Int, prunes: Bool, rounds: Rounds? = nil, includesSupernet: Bool
    ) {
        var replacements: [StrengthTask.Replacement?] = includesSupernet ? [nil] : []
        var betas: [Float] = includesSupernet ? [0] : []
        for edge in edges {
            let order = edge.operations.sorted {
                edge.betas[$0] != edge.betas[$1] ? edge.betas[$0] > edge.betas[$1] : $0 < $1
            }
            replacements += order.map { .init(edge: edge.number, operation: $0) }
            betas += order.map { edge.betas[$0] }
        }
        self.init(
            replacements: replacements, decided: decided, betas: betas, blocks: blocks, prunes: prunes, rounds: rounds)
    }

    /// The choice of the edges that a node keeps; the supernet as it stands is measured too.
    init(nodeEdges edges: [Int], decided: [Int?], blocks: Int) {
        self.init(
            replacements: [nil] + edges.map { .init(edge: $0, operation: StrengthTask.leftOut) }, decided: decided,
            betas: Array(repeating: 0, count: edges.count + 1), blocks: blocks, prunes: false, rounds: nil)
    }

    private init(
        replacements: [StrengthTask.Replacement?], decided: [Int?], betas: [Float], blocks: Int, prunes: Bool,
        rounds: Rounds?
    ) {
        self.decided = decided
        self.prunes = prunes
        self.rounds = rounds
        candidates = zip(replacements, betas).map { replacement, beta in
            Candidate(
                replacement: replacement, beta: beta, blocks: Array(repeating: .waiting, count: blocks),
                sums: Array(repeating: 0, count: blocks),
                needed: replacement == nil ? blocks : rounds?.borders[0] ?? blocks)
        }
    }

    /// The first block, in the rule's order, that nobody has and that may be needed.
    mutating func take(order: Int) -> (candidate: Int, block: Int)? {
        for i in candidates.indices {
            while candidates[i].cursor < candidates[i].needed {
                let block = candidates[i].cursor
                candidates[i].cursor += 1
                if case .waiting = candidates[i].blocks[block] {
                    candidates[i].blocks[block] = .out(copies: 1, order: order)
                    return (i, block)
                }
            }
        }
        return nil
    }

    /// Hands out again the block that is out in the fewest copies, the oldest of them.
    mutating func duplicate() -> (candidate: Int, block: Int)? {
        var best: (candidate: Int, block: Int, copies: Int, order: Int)?
        for i in candidates.indices {
            for block in 0..<candidates[i].needed {
                guard case .out(let copies, let order) = candidates[i].blocks[block] else { continue }
                if let best, (best.copies, best.order) < (copies, order) { continue }
                best = (i, block, copies, order)
            }
        }
        guard let best else { return nil }
        candidates[best.candidate].blocks[best.block] = .out(copies: best.copies + 1, order: best.order)
        return (best.candidate, best.block)
    }

    /// Takes back one copy of a block.
    mutating func giveBack(candidate i: Int, block: Int) {
        guard case .out(let copies, let order) = candidates[i].blocks[block] else { return }
        if copies > 1 {
            candidates[i].blocks[block] = .out(copies: copies - 1, order: order)
        } else {
            candidates[i].blocks[block] = .waiting
            candidates[i].cursor = min(candidates[i].cursor, block)
        }
    }

    /// Records a block's losses, which are not known yet.
    mutating func record(_ losses: [LossSum], candidate i: Int, block: Int) {
        candidates[i].blocks[block] = .known(losses)
        candidates[i].sums[block] = SummationTree.sum(count: losses.count) { losses[$0].loss }
        candidates[i].known += 1
        if let rounds { return endRounds(rounds) }
        guard prunes else { return }
        var best = Double.infinity
        for j in candidates.indices where candidates[j].replacement != nil {
            if j == i || (j > i && candidates[i].isWhole) { narrow(j, best: best) }
            if candidates[j].isWhole { best = min(best, candidates[j].sum(blocks: candidates[j].blocks.count)) }
        }
    }

    /// Ends the rounds whose measurements are all known.
    private mutating func endRounds(_ rounds: Rounds) {
        while round < rounds.borders.count {
            // Ties go to the lower operation.
            let racing = candidates.indices.filter { candidates[$0].replacement != nil && !candidates[$0].isDropped }
                .sorted { operation($0) < operation($1) }
            guard racing.allSatisfy({ candidates[$0].isResolved }) else { return }
            let survivors = rounds.survivors(of: racing.map { candidates[$0].losses }).map { racing[$0] }
            for i in racing where !survivors.contains(i) { candidates[i].isDropped = true }
            round = survivors.count == 1 ? rounds.borders.count : round + 1
            if round < rounds.borders.count {
                for i in survivors { candidates[i].needed = rounds.borders[round] }
            }
        }
    }

    private func operation(_ i: Int) -> Int { candidates[i].replacement?.operation ?? -1 }

    /// Lowers `needed` to the first border at which what is known already exceeds `best`.
    private mutating func narrow(_ i: Int, best: Double) {
        var low = 0
        var high = candidates[i].needed
        // Sums do not fall with the border: the first border in 1 ... needed above `best` lies in low + 1 ... high.
        guard candidates[i].sum(blocks: high) > best else { return }
        while high - low > 1 {
            let middle = (low + high) / 2
            if candidates[i].sum(blocks: middle) > best { high = middle } else { low = middle }
        }
        candidates[i].needed = high
    }

    /// Whether the rule looks at nothing unknown.
    var isResolved: Bool { round >= rounds?.borders.count ?? 0 && candidates.allSatisfy(\.isResolved) }

    /// The replacements among which is chosen, with their sums, once resolved: those measured whole, or those left by the last
    /// round, which are measured on the same blocks.
    private var whole: [(replacement: StrengthTask.Replacement, sum: Double)] {
        candidates.compactMap { candidate in
            let isLeft = rounds == nil ? candidate.needed == candidate.blocks.count : !candidate.isDropped
            guard isLeft else { return nil }
            return candidate.replacement.map { ($0, candidate.sum(blocks: candidate.needed)) }
        }
    }

    /// The edge that is decided and its operation, once resolved.
    ///
    /// Its operation is the one with the smallest complete sum (ties: lower index), or with the largest; of several edges,
    /// the one whose best sum is the farthest from the next (ties: lower index; one without a choice comes first).
    func decision(largestWins: Bool) -> (edge: Int, operation: Int)? {
        var best: (edge: Int, operation: Int, lead: Double)?
        let rows = Dictionary(grouping: whole) { $0.replacement.edge }
        for (edge, rows) in rows.sorted(by: { $0.key < $1.key }) {
            let ranked = rows.sorted { one, other in
                if one.sum != other.sum { return (one.sum < other.sum) != largestWins }
                return one.replacement.operation < other.replacement.operation
            }
            var lead = ranked.count > 1 ? abs(ranked[1].sum - ranked[0].sum) : .infinity
            // Two that are not finite.
            if lead.isNaN { lead = 0 }
            if let best, best.lead >= lead { continue }
            best = (edge, ranked[0].replacement.operation, lead)
        }
        return best.map { ($0.edge, $0.operation) }
    }

    /// The edges without which the sums are largest (ties: lower index), rising, once resolved.
    func strongestEdges(_ count: Int) -> [Int] {
        whole.sorted { $0.sum != $1.sum ? $0.sum > $1.sum : $0.replacement.edge < $1.replacement.edge }
            .prefix(count).map(\.replacement.edge).sorted()
    }
}
