/// The order in which partial sums over complete subtrees are added to the sum over all shards.
public enum SummationOrder {
    /// Adds parts as the summation tree does: sum(lo ..< hi) = sum(lo ..< mid) + sum(mid ..< hi).
    ///
    /// - Parameters:
    ///   - parts: in order, of disjoint complete subtrees that together are `0 ..< shards`.
    ///   - add: adds its second argument to its first.
    /// - Returns: nil when the parts are not such.
    public static func reduce(
        _ parts: [AllReduceMachine.Part], shards: Int, add: (inout [UInt8], [UInt8]) -> Void
    ) -> [UInt8]? {
        var rest = parts[...]
        func visit(_ node: Range<Int>) -> [UInt8]? {
            guard let first = rest.first else { return nil }
            if first.subtree == node {
                rest.removeFirst()
                return first.bytes
            }
            guard node.count > 1 else { return nil }
            let middle = (node.lowerBound + node.upperBound) / 2
            guard var left = visit(node.lowerBound..<middle), let right = visit(middle..<node.upperBound),
                left.count == right.count
            else { return nil }
            add(&left, right)
            return left
        }
        let sum = visit(0..<shards)
        return rest.isEmpty ? sum : nil
    }
}
