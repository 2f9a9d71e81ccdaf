/// All that a search needs to go on from where it was.
public struct SearchState: Sendable, Equatable {
    /// A strength task and what came of it.
    public struct Evaluation: Sendable, Equatable, Codable {
        /// What was evaluated.
        public var task: StrengthTask
        /// One loss sum for each shard.
        public var losses: [LossSum]

        /// Both.
        public init(task: StrengthTask, losses: [LossSum]) {
            self.task = task
            self.losses = losses
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
