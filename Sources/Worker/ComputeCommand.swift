import Protocol

/// What the I/O thread asks of the compute thread.
enum ComputeCommand: Sendable {
    /// Load the images and begin with the initial state.
    case load(configuration: [UInt8])
    /// Give up what belongs to an older generation, and tell the state.
    case join(Membership)
    case lease(generation: Int, halfSteps: Int)
    /// The buffer holds the sum of the half-step under way in this generation, over all shards.
    case apply(generation: Int, losses: [LossEntry])
    case exportState
    case importState([UInt8], generation: Int)
    case evaluate(TaskAssignment)
    /// Leave the generation; begin with the initial state if the present one is not to be trusted.
    case withdraw(resetState: Bool)
    case stop
}

/// What the compute thread tells the I/O thread.
enum ComputeEvent: Sendable {
    case loaded(Ready, GradientBuffer, largestGradient: Int)
    case began(generation: Int, halfStep: Int, elements: Int, stateDigest: UInt64)
    /// A chunk's partial sum over a subtree of the own run is final.
    case partial(generation: Int, chunk: Int, subtree: Range<Int>, bytes: [UInt8])
    /// `audit` is the digest of the audited shard's gradient, if it was computed here.
    case computed(generation: Int, losses: [LossEntry], audit: UInt64?)
    /// The gradient or loss of a shard of the own run, or the sum over all, is not finite.
    case notFinite(generation: Int, halfStep: Int, shard: Int)
    case applied(halfSteps: Int, loss: LossEntry)
    case stands(StateReport, generation: Int)
    case snapshot([UInt8], appliedHalfSteps: Int, digest: UInt64)
    case exported([UInt8], appliedHalfSteps: Int)
    case evaluated(TaskResult)
    case withdrawn
    case failed(WorkerError)
}
