/// What chooses cells from a trained supernet by losses: it hands out tasks and takes their results, in any order and from any
/// number of workers.
public protocol TaskSource: Sendable {
    /// The next task that nobody has, or nil when all tasks that are known to be needed are out or done.
    mutating func takeTask() -> StrengthTask?
    /// Puts a task back whose worker was lost.
    mutating func returnTask(_ task: StrengthTask)
    /// Records a result. A second, equal result of the same task changes nothing.
    /// - Throws: `SearchError.mismatch` when a result differs from one recorded before, or fits no task.
    mutating func record(_ evaluation: SearchState.Evaluation) throws(SearchError) -> [SelectionEvent]
    /// Whether everything is decided.
    var isFinished: Bool { get }
    /// Evaluations (a network × shard) that results were recorded for, and that are needed at most as far as is known.
    var progress: (done: Int, total: Int) { get }
    /// Writes what was found into an outcome, once finished.
    func conclude(_ outcome: inout SearchOutcome)
}

extension Selection: TaskSource {
    public mutating func record(_ evaluation: SearchState.Evaluation) throws(SearchError) -> [SelectionEvent] {
        try record(evaluation.task, losses: evaluation.losses)
    }

    public func conclude(_ outcome: inout SearchOutcome) { outcome.selection = result }
}

extension TrainingPlan {
    /// The selection, or the comparison of criteria, that the configuration asks for.
    ///
    /// - Throws: `SearchError.mismatch` when β are not those of the space.
    public func taskSource(betas: [[Float]]) throws(SearchError) -> any TaskSource {
        if let compared = configuration.selection.compared {
            return try CriteriaComparison(compared, betas: betas, plan: self)
        }
        return try Selection(betas: betas, plan: self)
    }
}
