/// What a whole search ends with; equal, bit by bit, however it was distributed.
public struct SearchOutcome: Sendable, Equatable {
    public var configuration: SearchConfiguration
    public var state: TrainingState
    /// One a half-step.
    public var losses: [LossSum]
    public var selection: SelectionResult

    /// SHA-256 in hexadecimal over weights, momentum, alphas, Adam's moments, recorded loss sums and decisions.
    public var digest: String { fatalError() }
}

/// What happens during a search, for whoever shows it.
public enum SearchEvent: Sendable {
    case trainingStarted(epochs: Int, stepsPerEpoch: Int)
    case halfStepApplied(HalfStep, LossSum)
    /// Means over the epoch: of the weights' batches and of the alphas' batches (before their update).
    case epochEnded(epoch: Int, training: LossSum, validation: LossSum)
    case selectionStarted(images: Int, edges: Int)
    case evaluationsDone(done: Int, total: Int)
    case edgeDecided(edge: Int, operation: Int)
    case workerJoined(name: String, count: Int)
    case workerLost(name: String, reason: String)
    case message(String)
}

/// A whole search in one process and one thread, without a network: the reference for every distributed run.
public enum LocalSearch {
    public static func run(
        configuration: SearchConfiguration, replica: Replica, observe: (SearchEvent) -> Void
    ) throws(SearchError) -> SearchOutcome { fatalError() }
}
