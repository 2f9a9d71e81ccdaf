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
    /// A node keeps these edges, and its others are left out.
    case edgesKept([Int])
    /// So many criteria are compared on held-out images.
    case comparisonStarted(images: Int, criteria: Int)
    /// One of them has chosen its cell.
    case chosen(by: Criterion)
    /// A worker came; there are `count` now.
    case workerJoined(name: String, count: Int)
    /// A worker went.
    case workerLost(name: String, reason: String)
    /// A worker takes so many times as long for a shard of the training as the others.
    case workerSlow(name: String, times: Double, standsBy: Bool)
    /// A worker was not wanted.
    case workerRefused(name: String, reason: String)
    /// A generation is being made of so many workers; the others stand by.
    case generationChanged(number: Int, workers: Int, standBys: Int, reason: String)
    /// A generation begins, so many seconds after the one before it was given up.
    case generationBegan(number: Int, halfStep: Int, seconds: Double)
    /// Every worker is gone; the run waits so many seconds for another.
    case workersGone(seconds: Double)
    /// A half-step changes nothing: this shard's gradient is not finite, whoever computes it.
    case halfStepSkipped(halfStep: Int, shard: Int)
    /// Half-steps from this one on are not to be trusted, and are computed again; so many epochs stay finished.
    case rewound(halfStep: Int, finishedEpochs: Int, reason: String)
    /// What the run had to cope with, at its end.
    case counters(ClusterCounters)
    /// Anything else worth a line.
    case message(String)
}

extension SearchEvent {
    /// The beginning of the selection, or of the comparison of criteria, that a plan has.
    public static func selectionStarted(_ plan: TrainingPlan, edges: Int) -> SearchEvent {
        let images = plan.selectionShards * plan.configuration.shardImages
        if let criteria = plan.configuration.selection.compared {
            return .comparisonStarted(images: images, criteria: criteria.count)
        }
        return .selectionStarted(images: images, edges: edges)
    }

    /// What a decision of the selection tells; nil for its end.
    public init?(_ event: SelectionEvent) {
        switch event {
        case .edgeDecided(let edge, let operation): self = .edgeDecided(edge: edge, operation: operation)
        case .edgesKept(let edges): self = .edgesKept(edges)
        case .chosen(let criterion): self = .chosen(by: criterion)
        case .finished: return nil
        }
    }
}
