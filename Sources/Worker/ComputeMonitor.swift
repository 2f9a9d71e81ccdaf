import Synchronization

/// What the compute thread does at the moment, for the I/O thread; and what the I/O thread wants given up. Any thread.
final class ComputeMonitor: Sendable {
    /// Grows with every shard computed.
    let work = Atomic<Int>(0)
    /// The compute thread handles a command or computes, and does not sleep.
    let isComputing = Atomic<Bool>(false)
    /// What is computed for another generation than this may be given up.
    let generation = Atomic<Int>(0)
    /// Half-steps that were begun and given up.
    let repeated = Atomic<Int>(0)
    /// Shards of the training that were computed.
    let trainedShards = Atomic<Int>(0)
    /// The time that this took.
    let trainingMicroseconds = Atomic<Int>(0)
    /// The time from there to the sums of the half-steps.
    let waitedMicroseconds = Atomic<Int>(0)
    /// Processor time of all other threads in half-steps.
    let networkMicroseconds = Atomic<Int>(0)
}
