/// What becomes of audits: a shard's gradient that several members computed, and found to be different.
extension CoordinatorMachine {
    /// These half-steps were applied, so that their audits found nothing.
    mutating func noteAudits(_ halfSteps: Range<Int>) {
        guard plan.auditRate > 0 else { return }
        let membership = membership(rank: 0)
        for halfStep in halfSteps {
            guard let audit = GradientAudit(halfStep: halfStep, membership: membership) else { continue }
            auditedShards += 1
            if let found = undecided, halfStep >= found.halfStep { undecided = nil }
            for rank in audit.ranks { verified[members[rank].worker] = halfStep + 1 }
        }
    }

    /// A member tells what an audit found. All members find the same, so that two who say it are enough to eject one.
    mutating func take(audit objection: Objection, wrong ranks: [Int], from key: UInt64, at now: Duration) -> [Action] {
        guard hasBegun, objection.generation == generation else { return [] }
        let culprits = ranks.compactMap { members.indices.contains($0) ? members[$0].worker : nil }
        guard !culprits.isEmpty else {
            // A transient fault does not come again; what led here is computed once more.
            let times = undecided?.halfStep == objection.halfStep ? (undecided?.times ?? 0) + 1 : 1
            undecided = (objection.halfStep, times)
            if times >= CoordinatorMachine.attempts {
                return fail(.undecided(reason: objection.reason))
            }
            let audit = GradientAudit(halfStep: objection.halfStep, membership: membership(rank: 0))
            let involved = audit.map { $0.ranks.map { members[$0].worker } } ?? members.map(\.worker)
            return rewind(before: involved, reason: objection.reason)
                + change(objection.reason, at: now)
        }
        for culprit in culprits where culprit != key { accusers[culprit, default: []].insert(key) }
        guard culprits.allSatisfy({ accusers[$0]?.count ?? 0 >= 2 }) else { return [] }
        var actions = rewind(before: culprits, reason: objection.reason)
        for culprit in culprits {
            actions += eject(
                culprit, reason: "its gradient of half-step \(objection.halfStep) is another than two workers found",
                at: now, changes: false)
        }
        return actions + change("\(culprits.count == 1 ? "a member was" : "members were") ejected", at: now)
    }

    /// Goes back to the newest state that was made of these workers' numbers only as far as they are known to be right.
    private mutating func rewind(before suspects: [UInt64], reason: String) -> [Action] {
        let limit = suspects.map { verified[$0] ?? 0 }.min() ?? 0
        let sound = bases.goBack(to: limit)
        base = sound
        knownLosses = sound.appliedHalfSteps
        skipped.removeAll { $0 >= sound.appliedHalfSteps }
        verified = verified.mapValues { min($0, sound.appliedHalfSteps) }
        unconfirmed = nil
        assembly = nil
        nonFinite = nil
        isRewinding = true
        return [.rewound(to: sound, reason: reason)]
    }
}
