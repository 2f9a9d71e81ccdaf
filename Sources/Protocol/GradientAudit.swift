/// A shard of a half-step whose gradient several members compute, so that wrong numbers are found before they are used.
///
/// Which half-steps and which shards is a fixed draw, the same for every member: of all shards of all half-steps, each
/// is drawn with probability rate / shards.
public struct GradientAudit: Sendable, Equatable {
    /// What the members' digests of the shard's gradient tell.
    public enum Verdict: Sendable, Equatable {
        /// All found the same.
        case agreed
        /// These ranks found another gradient than most; none when nobody can tell who is right.
        case wrong([Int])
    }

    /// Members beside the owner that compute it, if there are so many: two, since of two that differ nobody can tell
    /// who is right.
    static let auditors = 2

    /// Within the batch.
    public let shard: Int
    /// Who computes it: the member whose run has it, then the others.
    public let ranks: [Int]

    /// nil when the half-step is not audited, or when there is nobody to audit it.
    public init?(halfStep: Int, membership: Membership) {
        guard membership.auditRate > 0, membership.members.count > 1 else { return nil }
        var half = UInt64(halfStep).littleEndian
        let draw = withUnsafeBytes(of: &half) { XXH64.hash($0) }
        // The highest 53 bits make a number in 0 ..< 1.
        guard Double(draw >> 11) * 0x1p-53 < membership.auditRate else { return nil }
        let second = withUnsafeBytes(of: &half) { XXH64.hash($0, seed: 1) }
        let shard = Int(second % UInt64(membership.shards))
        guard let owner = membership.members.firstIndex(where: { $0.run.contains(shard) }) else { return nil }
        let count = membership.members.count
        self.shard = shard
        ranks = (0...min(GradientAudit.auditors, count - 1)).map { (owner + $0) % count }
    }

    /// - Parameter digests: by rank; one that is missing is wrong.
    public func verdict(_ digests: [UInt64?]) -> Verdict {
        let found = ranks.map { digests.indices.contains($0) ? digests[$0] : nil }
        for candidate in found {
            guard let candidate else { continue }
            let others = ranks.indices.filter { found[$0] != candidate }
            if others.isEmpty { return .agreed }
            if ranks.count - others.count > others.count { return .wrong(others.map { ranks[$0] }) }
        }
        return .wrong([])
    }
}
