import Supernet

/// A search that trains the weights on after each decision (`SelectionOptions.fineTuneEpochs`).
///
/// It is a chain of searches, each of which goes on from the state of the one before: the first trains the supernet and decides one
/// edge; each of the others trains the weights alone, with the decided edges as they are, and decides the next edge, or at last the
/// edges that nodes keep. So whatever runs a search, in one process or on workers, runs these.
public enum FineTunedSearch {
    /// Runs one of them.
    ///
    /// - Parameters:
    ///   - number: counted from 0.
    ///   - beginning: what it goes on from; nil to begin with the initial state.
    public typealias Stage = (
        _ number: Int, _ configuration: SearchConfiguration, _ beginning: SearchState?
    ) throws -> SearchOutcome

    /// - Parameter beginning: a trained supernet, with no half-steps behind it, where a selection alone is wanted.
    /// - Returns: the last weights, all losses one after the other, all decisions.
    /// - Throws: what `stage` throws; `SearchError.configuration` for an unknown space.
    public static func run(
        _ configuration: SearchConfiguration, from beginning: SearchState? = nil, stage: Stage
    ) throws -> SearchOutcome {
        let space = try configuration.supernet.searchSpace
        let epochs = configuration.selection.fineTuneEpochs ?? 0
        let choosesEdges =
            !space.competingEdges.isEmpty && configuration.selection.edgeChoice ?? .strength == .strength
        var whole = try stage(0, configuration, beginning)
        var decided = [Int?](repeating: nil, count: space.edges.count)
        var number = 0
        func note(_ outcome: SearchOutcome) {
            for row in outcome.selection.rows where row.chosen && row.operation != StrengthTask.leftOut {
                decided[row.edge] = row.operation
            }
        }
        note(whole)
        while decided.contains(nil) || (choosesEdges && number < space.edges.count) {
            number += 1
            var next = configuration
            next.epochs = epochs
            if whole.losses.isEmpty {
                // A supernet from elsewhere counts as one half-step, which nobody can mistake for the initial state.
                whole.losses = [whole.selection.supernet]
                whole.state.appliedHalfSteps = 1
            }
            next.stage = SearchStage(
                decided: decided, firstEpoch: configuration.epochs + (number - 1) * epochs,
                firstHalfStep: whole.losses.count)
            let outcome = try stage(number, next, SearchState(training: whole.state, losses: whole.losses))
            note(outcome)
            whole.append(outcome)
        }
        return whole
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
