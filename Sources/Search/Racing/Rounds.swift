/// How a decision's candidates become fewer while the set of shards grows: in rounds, at the end of each of which all
/// candidates that are left have been measured on the same shards.
///
/// What a round drops depends on losses alone, which makes it the same for every schedule.
struct Rounds: Sendable {
    /// What is dropped at the end of a round.
    enum Rule: Sendable, Equatable {
        /// A candidate against which another one is ahead by `PairedTest` with this risk.
        case race(risk: Double)
        /// The worse half of the candidates.
        case halve
    }

    /// Blocks that are measured by the end of each round, rising; the last is all of them.
    let borders: [Int]
    private let rule: Rule
    private let largestWins: Bool
    /// All shards.
    private let shards: Int

    /// - Parameters:
    ///   - candidates: of the edge that is decided.
    ///   - decisions: of the whole selection, which share its risk.
    init?(
        _ options: SelectionOptions, shards: Int, blocks: Int, candidates: Int, decisions: Int
    ) {
        guard candidates > 1 else { return nil }
        if let confidence = options.racing {
            // 1, 2, 4, … blocks.
            var borders = [1]
            while let last = borders.last, last < blocks { borders.append(min(2 * last, blocks)) }
            self.borders = borders
            // The best candidate may be dropped in favour of each other one, at each border but the last.
            let chances = decisions * (candidates - 1) * max(borders.count - 1, 1)
            rule = .race(risk: (1 - confidence) / Double(chances))
        } else if options.halving ?? false {
            // So many rounds that one is left, each with twice the blocks of the one before.
            var (left, rounds) = (candidates, 0)
            while left > 1 {
                left = (left + 1) / 2
                rounds += 1
            }
            borders = (0..<rounds).map { round in
                let parts = 1 << (rounds - 1 - round)
                return (blocks + parts - 1) / parts
            }
            rule = .halve
        } else {
            return nil
        }
        self.shards = shards
        largestWins = options.criterion == .removal
    }

    /// Those that stay, by their places, rising; at least one.
    ///
    /// - Parameter candidates: in the order that settles ties, each with the losses of the shards measured, as many for all.
    func survivors(of candidates: [[LossSum]]) -> [Int] {
        let sums = candidates.map { LossSum.sum($0).loss }
        switch rule {
        case .race(let risk):
            return candidates.indices.filter { i in
                !candidates.indices.contains { isBehind(i, $0, candidates, sums, risk: risk) }
            }
        case .halve:
            let ranked = candidates.indices.sorted {
                sums[$0] != sums[$1] ? (sums[$0] < sums[$1]) != largestWins : $0 < $1
            }
            return ranked.prefix((candidates.count + 1) / 2).sorted()
        }
    }

    /// Whether candidate `i` is behind `j`, all shards taken together, but for the risk.
    private func isBehind(_ i: Int, _ j: Int, _ candidates: [[LossSum]], _ sums: [Double], risk: Double) -> Bool {
        let (worse, better) = largestWins ? (j, i) : (i, j)
        guard i != j, sums[better] < sums[worse] else { return false }
        // No later shard can make up for infinity.
        if sums[worse] == .infinity { return true }
        let differences = zip(candidates[worse], candidates[better]).map { $0.loss - $1.loss }
        return PairedTest.isAboveZero(differences, of: shards, risk: risk)
    }
}
