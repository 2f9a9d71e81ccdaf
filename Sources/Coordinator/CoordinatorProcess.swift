import Search

/// The one process that plans a distributed search: it gathers workers, lets them train, collects the state, hands out
/// strength tasks and decides. It computes no loss itself.
///
/// Searches may follow one another with the same workers. Each is a run of its own; the socket stays, and a worker that was told of no
/// end joins the run that it finds there, as it joins a coordinator that was started again.
public final class CoordinatorProcess {
    /// The run before, if this one follows it.
    private var former: CoordinatorLoop?

    /// Nothing happens before `run`.
    public init() {}

    /// Runs a whole search. Blocks the calling thread, which also gets the events.
    ///
    /// After one with `CoordinatorOptions.isFollowed`, endpoint and keys are those of before, and the run begins with the workers that come
    /// back.
    public func run(
        _ options: CoordinatorOptions, observe: (SearchEvent) -> Void
    ) throws(CoordinatorError) -> SearchOutcome {
        let loop = try CoordinatorLoop(options: options, watch: nil, following: former)
        former = options.isFollowed ? loop : nil
        return try loop.run(observe: observe)
    }
}
