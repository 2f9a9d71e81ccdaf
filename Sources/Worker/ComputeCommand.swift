import Protocol

/// What the I/O thread asks of the compute thread.
enum ComputeCommand: Sendable {
    case load(configuration: [UInt8])
    case join(Membership)
    case lease(Int)
    /// The buffer holds the sum of the half-step under way, over all shards.
    case apply(losses: [LossEntry])
    case exportState
    case importState([UInt8])
    case evaluate(TaskAssignment)
    case stop
}

/// What the compute thread tells the I/O thread.
enum ComputeEvent: Sendable {
    case loaded(Ready, GradientBuffer, largestGradient: Int)
    case began(halfStep: Int, elements: Int, stateDigest: UInt64)
    /// A chunk's partial sum over a subtree of the own run is final.
    case partial(chunk: Int, subtree: Range<Int>, bytes: [UInt8])
    case computed(losses: [LossEntry])
    case applied(halfSteps: Int, loss: LossEntry)
    case reported(StateReport)
    case exported([UInt8])
    case evaluated(id: Int, losses: [LossEntry])
    case failed(WorkerError)
}
