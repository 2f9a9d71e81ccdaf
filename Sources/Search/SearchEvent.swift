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
