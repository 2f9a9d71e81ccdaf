import Reporting
import Search

/// How the events of a chain of searches are shown as those of one.
struct StageEvents {
    private var counters = ClusterCounters()
    /// Names of those that are there, since they join every search anew.
    private var workers: Set<String> = []

    /// - Returns: what to show; nil where an event of the first search has told it.
    mutating func shown(_ event: SearchEvent, of stage: FineTunedSearch.Stage) -> SearchEvent? {
        let isFirst = stage.number == 0
        switch event {
        case .counters(let found):
            counters = counters + found
            return .counters(counters)
        case .workerJoined(let name, _): return workers.insert(name).inserted ? event : nil
        case .workerLost(let name, _):
            workers.remove(name)
            return event
        case .trainingStarted, .selectionStarted, .halfStepApplied, .generationChanged, .generationBegan:
            return isFirst ? event : nil
        case .epochEnded(let epoch, let training, _) where !isFirst:
            return .message(
                "between decisions: epoch \(epoch + 1)/\(stage.configuration.epochs)  training loss "
                    + "\(SearchProgress.fixed(training.mean, 3)) accuracy \(SearchProgress.percent(training.accuracy))")
        default: return event
        }
    }
}
