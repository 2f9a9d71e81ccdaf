/// What happens during a search, for whoever shows it.
public enum SearchEvent: Sendable {
    /// Before the first half-step.
    case trainingStarted(epochs: Int, stepsPerEpoch: Int)
    /// Its loss is that before the update, over the whole batch.
    case halfStepApplied(HalfStep, LossSum)
    /// Means over the epoch: of the weights' batches and of the alphas' batches (before their update).
    case epochEnded(epoch: Int, training: LossSum, validation: LossSum)
    /// Held-out images, and edges to decide.
    case selectionStarted(images: Int, edges: Int)
    /// See `Selection.progress`.
    case evaluationsDone(done: Int, total: Int)
    /// An operation was chosen for an edge.
    case edgeDecided(edge: Int, operation: Int)
    /// A worker came; there are `count` now.
    case workerJoined(name: String, count: Int)
    /// A worker went.
    case workerLost(name: String, reason: String)
    /// Anything else worth a line.
    case message(String)
}
