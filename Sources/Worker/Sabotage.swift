import Protocol
import Search

/// What a worker is made to do wrong, so that tests can see what becomes of it. Called on the compute thread.
package struct Sabotage: Sendable {
    /// Before a half-step begins: may change the state.
    package var beforeHalfStep: (@Sendable (_ halfStep: Int, _ state: inout TrainingState) -> Void)?
    /// Before a shard's gradient is computed: may sleep, or end the process.
    package var beforeShard: (@Sendable (_ halfStep: Int, _ shard: Int) -> Void)?
    /// A shard's images before its gradient is computed: (half-step, shard, normalised pixels).
    package var images: (@Sendable (Int, Int, UnsafeMutableBufferPointer<Float>) -> Void)?
    /// A partial sum before it is sent: (half-step, subtree, first element, floats).
    package var partialSum: (@Sendable (Int, Range<Int>, Int, inout [Float]) -> Void)?
    /// A strength task's losses before they are sent.
    package var evaluated: (@Sendable (_ task: TaskAssignment, _ losses: inout [LossEntry]) -> Void)?

    /// Nothing wrong.
    package init() {}
}
