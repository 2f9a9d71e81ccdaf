import Kernels

/// What computes a shard's gradient.
protocol ShardGradients {
    /// Writes the gradient of `shard` to `target`, and calls `final` with falling ranges of elements that will not change
    /// any more, together all of it.
    func compute(_ shard: Int, into target: UnsafeMutablePointer<Float>, final: (Range<Int>) -> Void)
}

/// Adds the gradients of a run of shards along the summation tree, in buffers that are kept from call to call.
///
/// Each complete subtree of the run is summed like a binary counter: a new gradient is a subtree of one shard, and two
/// neighbours of equal size become one. While the subtree's last shard is still in its backward pass, every range that is
/// final in its gradient is added through all pending sums at once, so that the whole sum of that range is final too.
///
/// A subtree of 2ʲ shards needs j + 1 buffers while it is computed, and keeps one. They are taken when a run first needs
/// them. Owned and called by one thread.
final class ShardAccumulator {
    private var buffers: [UnsafeMutablePointer<Float>] = []
    private var free: [UnsafeMutablePointer<Float>] = []
    private let capacity: Int

    /// Buffers taken so far.
    var bufferCount: Int { buffers.count }

    /// - Parameter capacity: floats of the largest gradient.
    init(capacity: Int) {
        self.capacity = capacity
    }

    deinit {
        for buffer in buffers { UnsafeMutableRawPointer(buffer).deallocate() }
    }

    /// Sums `run`, a part of `shards` shards.
    ///
    /// - Parameters:
    ///   - count: floats of the gradient, at most the capacity.
    ///   - isCancelled: asked before each shard.
    ///   - ready: see `Replica.computeShards`.
    /// - Returns: false when cancelled.
    @discardableResult
    func sum(
        _ run: Range<Int>, shards: Int, count: Int, gradients: some ShardGradients,
        isCancelled: () -> Bool = { false },
        ready: (_ subtree: Range<Int>, _ elements: Range<Int>, _ sum: UnsafePointer<Float>) -> Void
    ) -> Bool {
        precondition(count <= capacity)
        free = buffers
        for subtree in SummationTree.subtrees(of: run, shards: shards) {
            var pending: [(buffer: UnsafeMutablePointer<Float>, size: Int)] = []
            for shard in subtree.dropLast() {
                if isCancelled() { return false }
                let target = takeBuffer()
                gradients.compute(shard, into: target) { _ in }
                var newest = (buffer: target, size: 1)
                while let left = pending.last, left.size == newest.size {
                    VectorAddition.add(newest.buffer, to: left.buffer, count: count)
                    free.append(newest.buffer)
                    newest = (left.buffer, left.size * 2)
                    pending.removeLast()
                }
                pending.append(newest)
            }
            // Sizes pending are now 2ʲ⁻¹ … 2, 1: the last shard joins them all, the newest first.
            if isCancelled() { return false }
            let last = takeBuffer()
            let total = pending.first?.buffer ?? last
            gradients.compute(subtree.upperBound - 1, into: last) { elements in
                var addend = last
                for left in pending.reversed() {
                    VectorAddition.add(
                        addend + elements.lowerBound, to: left.buffer + elements.lowerBound, count: elements.count)
                    addend = left.buffer
                }
                ready(subtree, elements, UnsafePointer(total))
            }
            if !pending.isEmpty { free.append(last) }
            for left in pending.dropFirst() { free.append(left.buffer) }
        }
        return true
    }

    private func takeBuffer() -> UnsafeMutablePointer<Float> {
        free.popLast() ?? makeBuffer()
    }

    private func makeBuffer() -> UnsafeMutablePointer<Float> {
        let bytes = UnsafeMutableRawPointer.allocate(
            byteCount: max(capacity, 1) * MemoryLayout<Float>.stride, alignment: 64)
        let buffer = bytes.bindMemory(to: Float.self, capacity: capacity)
        buffer.initialize(repeating: 0, count: capacity)
        buffers.append(buffer)
        return buffer
    }
}
