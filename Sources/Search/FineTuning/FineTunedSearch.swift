import Supernet
import Synchronization

/// A search that trains the weights on after each decision (`SelectionOptions.fineTuneEpochs`).
///
/// It is a chain of searches, each of which goes on from the state of the one before: the first trains the supernet and decides one
/// edge; each of the others trains the weights alone, with the decided edges as they are, and decides the next edge, or at last the
/// edges that nodes keep. So whatever runs a search, in one process or on workers, runs these.
///
/// What is kept of it has the evaluations of all searches so far: decisions, and so the place in the chain, follow from them.
public enum FineTunedSearch {
    /// One of the searches.
    public struct Stage {
        /// Counted from 0.
        public let number: Int
        /// Whether no other one follows.
        public let isLast: Bool
        /// Of this stage.
        public let configuration: SearchConfiguration
        /// What it goes on from; nil to begin with the initial state.
        public let beginning: SearchState?
        /// Takes what this search needs to go on, and hands over what the chain needs; nil where nothing is kept.
        public let save: (@Sendable (SearchState) -> Void)?
    }

    /// What the present search last wanted to be kept.
    private final class Kept: Sendable {
        let evaluations = Mutex<[SearchState.Evaluation]>([])
    }

    /// - Parameters:
    ///   - imageCount: images of the training set that the search uses.
    ///   - beginning: where an earlier chain was, or a trained supernet, with no half-steps behind it, where a selection alone is wanted.
    ///   - save: gets all that is needed to go on.
    ///   - observe: gets the decisions of searches that are done already.
    ///   - perform: runs one search: each whose decision is not known, and the last in any case, since whoever works for it is to learn
    ///     that all is done.
    /// - Returns: the last weights, all losses one after the other, all decisions.
    /// - Throws: what `perform` throws; `SearchError.configuration` for an unknown space; `SearchError.mismatch` when the beginning's
    ///   evaluations are none of this chain.
    public static func run(
        _ configuration: SearchConfiguration, imageCount: Int, from beginning: SearchState? = nil,
        save: (@Sendable (SearchState) -> Void)? = nil, observe: (SearchEvent) -> Void = { _ in },
        perform: (Stage) throws -> SearchOutcome
    ) throws -> SearchOutcome {
        let count = try stageCount(configuration)
        var decided = [Int?](repeating: nil, count: try configuration.supernet.searchSpace.edges.count)
        var reached = beginning
        /// Evaluations of the searches that are done, and those known of the present one and the others.
        var done: [SearchState.Evaluation] = []
        var known = beginning?.evaluations ?? []
        var halfSteps = 0
        var whole: SearchOutcome?
        for number in 0..<count {
            var next = configuration
            if let whole {
                if reached?.losses.isEmpty ?? false {
                    // A supernet from elsewhere counts as one half-step, which nobody can mistake for the initial state.
                    reached?.losses = [whole.selection.supernet]
                    reached?.training.appliedHalfSteps = 1
                }
                next.epochs = configuration.selection.fineTuneEpochs ?? 0
                next.stage = SearchStage(
                    decided: decided, firstEpoch: configuration.epochs + (number - 1) * next.epochs,
                    firstHalfStep: max(halfSteps, 1))
            }
            let plan = TrainingPlan(configuration: next, imageCount: imageCount)
            halfSteps = plan.halfSteps
            let outcome: SearchOutcome
            let isLast = number == count - 1
            if let reached, !isLast, let selection = try replay(&known, into: &done, reached.training, plan, observe) {
                outcome = SearchOutcome(
                    configuration: next, state: reached.training, losses: reached.losses, selection: selection)
            } else {
                reached?.evaluations = known
                let (kept, before) = (Kept(), done)
                let saveAll = save.map { save in
                    { @Sendable (state: SearchState) in
                        kept.evaluations.withLock { $0 = state.evaluations }
                        var state = state
                        state.evaluations = before + state.evaluations
                        save(state)
                    }
                }
                outcome = try perform(
                    Stage(number: number, isLast: isLast, configuration: next, beginning: reached, save: saveAll))
                reached = SearchState(training: outcome.state, losses: outcome.losses)
                done += kept.evaluations.withLock { $0 }
                known = []
            }
            for row in outcome.selection.rows where row.chosen && row.operation != StrengthTask.leftOut {
                decided[row.edge] = row.operation
            }
            if whole == nil { whole = outcome } else { whole?.append(outcome) }
        }
        guard let whole else { throw SearchError.configuration("a space without edges has nothing to decide") }
        return whole
    }

    /// Half-steps of the whole chain.
    ///
    /// - Throws: `SearchError.configuration` for an unknown space.
    public static func halfSteps(_ configuration: SearchConfiguration, imageCount: Int) throws(SearchError) -> Int {
        let plan = TrainingPlan(configuration: configuration, imageCount: imageCount)
        let epochs = (try stageCount(configuration) - 1) * (configuration.selection.fineTuneEpochs ?? 0)
        return max(plan.halfSteps, 1) + epochs * plan.stepsPerEpoch
    }

    /// One for each edge, and one for the edges that nodes keep.
    private static func stageCount(_ configuration: SearchConfiguration) throws(SearchError) -> Int {
        let space = try configuration.supernet.searchSpace
        let choosesEdges =
            !space.competingEdges.isEmpty && configuration.selection.edgeChoice ?? .strength == .strength
        return space.edges.count + (choosesEdges ? 1 : 0)
    }

    /// What a search has selected whose evaluations are all known; nil when some are missing.
    ///
    /// - Parameters:
    ///   - known: from the search's first evaluation on; the search's own go from there into `done`.
    ///   - state: with the alphas, which the whole chain has.
    private static func replay(
        _ known: inout [SearchState.Evaluation], into done: inout [SearchState.Evaluation], _ state: TrainingState,
        _ plan: TrainingPlan, _ observe: (SearchEvent) -> Void
    ) throws(SearchError) -> SelectionResult? {
        if known.isEmpty { return nil }
        let supernet = try Supernet.checked(shape: plan.configuration.supernet, shardImages: 1)
        supernet.load(alphas: state.alphas)
        var selection = try Selection(betas: supernet.betas, plan: plan)
        var events: [SearchEvent] = []
        for (place, evaluation) in known.enumerated() {
            events += try selection.record(evaluation).compactMap(SearchEvent.init)
            guard selection.isFinished else { continue }
            // Answers may have come that the last decision did not wait for.
            let late = known[(place + 1)...].prefix { $0.task.decided == evaluation.task.decided }
            done += known[...place] + late
            known.removeFirst(place + 1 + late.count)
            if plan.configuration.stage == nil { observe(.selectionStarted(plan, edges: supernet.edges)) }
            for event in events { observe(event) }
            return selection.result
        }
        return nil
    }
}

extension SearchOutcome {
    /// Goes on with what a later stage did.
    fileprivate mutating func append(_ later: SearchOutcome) {
        state = later.state
        losses = later.losses
        let rows = selection.rows + later.selection.rows
        let operations = rows.filter { $0.operation != StrengthTask.leftOut }
        selection.rows =
            operations.sorted { ($0.edge, $0.operation) < ($1.edge, $1.operation) }
            + rows.filter { $0.operation == StrengthTask.leftOut }
        selection.operations = later.selection.operations
        selection.kept = later.selection.kept
        selection.evaluations += later.selection.evaluations
        selection.fullTableEvaluations += later.selection.fullTableEvaluations
    }
}
