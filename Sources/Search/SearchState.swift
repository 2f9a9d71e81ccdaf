/// All that a search needs to go on from where it was.
public struct SearchState: Sendable, Equatable {
    /// A strength task and what came of it.
    public struct Evaluation: Sendable, Equatable, Codable {
        /// What was evaluated.
        public var task: StrengthTask
        /// One loss sum for each shard.
        public var losses: [LossSum]
        /// For the criterion `first-order`: ∂L/∂α of each shard's mean loss, (shards, edges, operations); nil for others.
        public var derivatives: [Float]?

        /// All fields.
        public init(task: StrengthTask, losses: [LossSum], derivatives: [Float]? = nil) {
            self.task = task
            self.losses = losses
            self.derivatives = derivatives
        }

        /// As it is counted: what is not finite is infinite, so that equal answers are equal.
        public var counted: Evaluation {
            Evaluation(
                task: task,
                losses: losses.map {
                    $0.loss.isFinite ? $0 : LossSum(loss: .infinity, correct: $0.correct, images: $0.images)
                },
                derivatives: derivatives?.map { $0.isFinite ? $0 : .infinity })
        }
    }

    /// Weights, momentum, alphas, Adam's moments and the number of half-steps applied.
    public var training: TrainingState
    /// One a half-step applied.
    public var losses: [LossSum]
    /// Half-steps that were passed over, since their sums are not finite.
    public var skipped: [Int]
    /// Finished evaluations, in the order in which they were recorded: every decision follows from them.
    public var evaluations: [Evaluation]

    /// Joins the parts.
    public init(training: TrainingState, losses: [LossSum], skipped: [Int] = [], evaluations: [Evaluation] = []) {
        self.training = training
        self.losses = losses
        self.skipped = skipped
        self.evaluations = evaluations
    }
}
