import Kernels
import Testing

@testable import Search

/// Gradients that depend on shard and element alone, final in falling ranges as a backward pass gives them.
private final class FakeGradients: ShardGradients {
    let count: Int
    private(set) var computed: [Int] = []

    init(count: Int) {
        self.count = count
    }

    func compute(_ shard: Int, into target: UnsafeMutablePointer<Float>, final: (Range<Int>) -> Void) {
        computed.append(shard)
        let random = Philox(seed: 9, purpose: .synthetic, stream: shard)
        var upper = count
        var step = 1
        while upper > 0 {
            let lower = max(0, upper - 1 - random.integer(below: 40, at: step))
            for i in lower..<upper { target[i] = random.normal(at: i) * 100 }
            final(lower..<upper)
            upper = lower
            step += 1
        }
    }
}

@Suite("Shard sums")
struct ShardAccumulatorTests {
    static let count = 203

    /// Subtree sums of a run, copied when their ranges are reported final.
    private func sums(_ accumulator: ShardAccumulator, run: Range<Int>, shards: Int) -> [Range<Int>: [Float]] {
        var result: [Range<Int>: [Float]] = [:]
        var pointers: [Range<Int>: UnsafePointer<Float>] = [:]
        var lower: [Range<Int>: Int] = [:]
        let gradients = FakeGradients(count: Self.count)
        accumulator.sum(run, shards: shards, count: Self.count, gradients: gradients) { subtree, elements, sum in
            #expect(elements.upperBound == lower[subtree, default: Self.count], "ranges fall without a gap")
            #expect(gradients.computed.last == subtree.upperBound - 1, "a sum is final only in its last shard")
            lower[subtree] = elements.lowerBound
            pointers[subtree] = sum
            var copy = result[subtree] ?? [Float](repeating: .nan, count: Self.count)
            for i in elements { copy[i] = sum[i] }
            result[subtree] = copy
        }
        #expect(gradients.computed == Array(run))
        #expect(lower.values.allSatisfy { $0 == 0 })
        for (subtree, pointer) in pointers {
            let whole = (0..<Self.count).map { pointer[$0] }
            #expect(whole == result[subtree], "a sum stays valid until the next call")
        }
        return result
    }

    /// The tree by its definition.
    private func definition(_ node: Range<Int>) -> [Float] {
        if node.count == 1 {
            var gradient = [Float](repeating: 0, count: Self.count)
            FakeGradients(count: Self.count).compute(node.lowerBound, into: &gradient) { _ in }
            return gradient
        }
        let middle = (node.lowerBound + node.upperBound) / 2
        return zip(definition(node.lowerBound..<middle), definition(middle..<node.upperBound)).map { $0 + $1 }
    }

    @Test("the sum of every complete subtree of every run is the tree's", arguments: [1, 2, 4, 8, 16])
    func everyRun(shards: Int) {
        let accumulator = ShardAccumulator(capacity: Self.count)
        for lower in 0..<shards {
            for upper in (lower + 1)...shards {
                let result = sums(accumulator, run: lower..<upper, shards: shards)
                #expect(Set(result.keys) == Set(SummationTree.subtrees(of: lower..<upper, shards: shards)))
                for (subtree, sum) in result { #expect(sum == definition(subtree), "\(subtree) of \(shards)") }
            }
        }
    }

    @Test("an empty run computes nothing")
    func emptyRun() {
        #expect(sums(ShardAccumulator(capacity: Self.count), run: 2..<2, shards: 4).isEmpty)
    }

    @Test("a run takes as few buffers as its subtrees need, and only once", arguments: [1, 2, 4, 8, 16])
    func buffers(shards: Int) {
        for lower in 0..<shards {
            for upper in (lower + 1)...shards {
                let accumulator = ShardAccumulator(capacity: Self.count)
                let needed = SummationTree.subtrees(of: lower..<upper, shards: shards).enumerated()
                    .map { $0.offset + $0.element.count.trailingZeroBitCount + 1 }.max()
                for _ in 0..<2 {
                    _ = sums(accumulator, run: lower..<upper, shards: shards)
                    #expect(accumulator.bufferCount == needed, "\(lower..<upper) of \(shards)")
                }
            }
        }
    }
}
