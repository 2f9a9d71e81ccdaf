/// The one binary tree over shard indices in which everything of a batch is summed.
///
/// The sum of shards lo ..< hi is sum(lo ..< mid) + sum(mid ..< hi) with mid the midpoint; the shard count is a power
/// of two. A worker that holds a run of shards adds the tree's complete subtrees inside its run; whoever holds all of
/// the partial sums finishes the same additions. The result does not depend on how the shards were divided.
public enum SummationTree {
    /// The maximal complete subtrees inside `run`, in order of shard index, for a tree over `shards` leaves.
    ///
    /// `subtrees(of: 1..<4, shards: 8)` is `[1..<2, 2..<4]`.
    public static func subtrees(of run: Range<Int>, shards: Int) -> [Range<Int>] {
        precondition(shards > 0 && shards & (shards - 1) == 0 && run.lowerBound >= 0 && run.upperBound <= shards)
        var result: [Range<Int>] = []
        func visit(_ node: Range<Int>) {
            if node.upperBound <= run.lowerBound || node.lowerBound >= run.upperBound { return }
            if run.lowerBound <= node.lowerBound && node.upperBound <= run.upperBound {
                result.append(node)
            } else {
                let middle = (node.lowerBound + node.upperBound) / 2
                visit(node.lowerBound..<middle)
                visit(middle..<node.upperBound)
            }
        }
        if !run.isEmpty { visit(0..<shards) }
        return result
    }

    /// The runs of shards that `workers` workers hold: contiguous, in order, as equal as can be (longer runs first).
    /// Workers beyond the number of shards get an empty run.
    public static func runs(shards: Int, workers: Int) -> [Range<Int>] {
        precondition(workers > 0)
        var start = 0
        return (0..<workers).map { worker in
            let count = shards / workers + (worker < shards % workers ? 1 : 0)
            defer { start += count }
            return start..<(start + count)
        }
    }

    /// Sums `leaf(i)` for i in 0 ..< count in the tree over the next power of two; leaves beyond `count` are zero and
    /// are not added.
    public static func sum(count: Int, leaf: (Int) -> Double) -> Double {
        func visit(_ lower: Int, _ size: Int) -> Double {
            if size == 1 { return leaf(lower) }
            let half = size / 2
            let left = visit(lower, half)
            return lower + half < count ? left + visit(lower + half, half) : left
        }
        if count == 0 { return 0 }
        var size = 1
        while size < count { size *= 2 }
        return visit(0, size)
    }
}
