/// How fast the members compute, by what they report. One that takes several times as long for a shard as the others
/// holds every half-step up: it is named and, where that is wanted, stands by from then on.
extension CoordinatorMachine {
    /// What is known of a worker's pace.
    struct Pace: Sendable {
        /// What it had reported when the present stretch began.
        var start: ShardTally?
        /// What a shard took in the last stretch, in microseconds.
        var shard: Double?
        /// Stretches, one after the other, in which it was slow.
        var slowStretches = 0
    }

    /// Shards that a worker computes between two looks at its pace.
    private static let stretch = 4
    /// So many slow stretches are no accident.
    private static let patience = 3

    mutating func notePace(_ tally: ShardTally, of key: UInt64, at now: Duration) -> [Action] {
        guard phase == .training, hasBegun, isMember(key), var worker = workers[key] else { return [] }
        guard let start = worker.pace.start else {
            workers[key]?.pace.start = tally
            return []
        }
        let shards = tally.shards - start.shards
        guard shards >= CoordinatorMachine.stretch else { return [] }
        let shard = Double(tally.microseconds - start.microseconds) / Double(shards)
        worker.pace.start = tally
        worker.pace.shard = shard
        let others = members.compactMap { $0.worker == key ? nil : workers[$0.worker]?.pace.shard }.sorted()
        let usual = others.isEmpty ? nil : others[others.count / 2]
        let isSlow = usual.map { $0 > 0 && shard > $0 * plan.slowFactor } ?? false
        worker.pace.slowStretches = isSlow ? worker.pace.slowStretches + 1 : 0
        workers[key] = worker
        guard let usual, worker.pace.slowStretches == CoordinatorMachine.patience else { return [] }
        let name = worker.hello.name
        let told = Action.slow(name: name, times: shard / usual, standsBy: plan.slowStandBy)
        guard plan.slowStandBy else { return [told] }
        workers[key]?.standsBy = true
        return [told] + change("\(name) is slow", at: now)
    }
}
