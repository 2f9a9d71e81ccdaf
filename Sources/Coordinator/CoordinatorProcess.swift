import Search

/// The one process that plans a distributed search: it gathers workers, lets them train, collects the state, hands out
/// strength tasks and decides. It computes no loss itself.
public final class CoordinatorProcess {
    private let options: CoordinatorOptions

    /// Nothing happens before `run`.
    public init(options: CoordinatorOptions) {
        self.options = options
    }

    /// Runs the whole search. Blocks the calling thread, which also gets the events.
    public func run(observe: (SearchEvent) -> Void) throws(CoordinatorError) -> SearchOutcome {
        try CoordinatorLoop(options: options, watch: nil).run(observe: observe)
    }
}
