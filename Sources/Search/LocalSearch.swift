import Kernels

/// A whole search, or a training, in one process and one thread, without a network: the reference for every distributed run.
public enum LocalSearch {
    /// What becomes of a search on the way.
    public struct Keeping: Sendable {
        /// Half-steps between two calls of `save` in training; 0 for none.
        public var interval: Int
        /// Gets all that is needed to go on; also after each decision of the selection, and every
        /// `Selection.saveInterval` of it.
        public var save: @Sendable (SearchState) -> Void
        /// Whether the search is to stop now; asked after each half-step and each evaluation.
        public var isInterrupted: @Sendable () -> Bool

        /// All fields.
        public init(
            interval: Int, save: @escaping @Sendable (SearchState) -> Void,
            isInterrupted: @escaping @Sendable () -> Bool = { false }
        ) {
            self.interval = interval
            self.save = save
            self.isInterrupted = isInterrupted
        }
    }

    /// Trains the supernet, then selects; or trains the network that the configuration names.
    ///
    /// - Parameters:
    ///   - replica: made for this configuration.
    ///   - beginning: where an earlier search was; nil to start from the beginning.
    ///   - skipsNonFinite: pass over half-steps whose sums are not finite.
    ///   - keeping: for a search that can go on later.
    ///   - observe: called on this thread.
    /// - Throws: `SearchError.nonFinite` when training diverges; `SearchError.mismatch` when the replica does not fit;
    ///   `SearchError.interrupted` after everything was saved.
    public static func run(
        configuration: SearchConfiguration, replica: Replica, from beginning: SearchState? = nil,
        skipsNonFinite: Bool = false, keeping: Keeping? = nil, observe: (SearchEvent) -> Void
    ) throws(SearchError) -> SearchOutcome {
        let plan = replica.plan
        guard plan.configuration == configuration else {
            throw .mismatch("the replica was made for another configuration")
        }
        if let beginning {
            replica.state = beginning.training
        } else if replica.appliedHalfSteps != 0 {
            throw .mismatch("the replica has \(replica.appliedHalfSteps) half-steps behind it; a search starts from 0")
        }
        var reached = beginning ?? SearchState(training: replica.state, losses: [])
        guard reached.losses.count == replica.appliedHalfSteps, reached.losses.count <= plan.halfSteps else {
            throw .mismatch("\(reached.losses.count) losses are known of \(replica.appliedHalfSteps) half-steps")
        }
        if reached.losses.count < plan.halfSteps {
            observe(.trainingStarted(epochs: configuration.epochs, stepsPerEpoch: plan.stepsPerEpoch))
        }
        reached.losses.reserveCapacity(plan.halfSteps)
        var epoch = EpochLosses(plan: plan, after: reached.losses)
        var gradient = [Float](
            repeating: 0, count: replica.largestGradient)
        for index in reached.losses.count..<plan.halfSteps {
            let halfStep = plan.halfStep(index)
            let loss: LossSum
            do throws(SearchError) {
                loss = try step(halfStep, of: replica, gradient: &gradient)
            } catch {
                guard case .nonFinite = error, skipsNonFinite else { throw error }
                loss = try replica.skip(halfStep)
                reached.skipped.append(index)
                observe(.halfStepSkipped(halfStep: index, shard: 0))
            }
            reached.losses.append(loss)
            observe(.halfStepApplied(halfStep, loss))
            if let end = epoch.add(loss, of: halfStep) { observe(end) }
            if let keeping {
                let isInterrupted = keeping.isInterrupted()
                if isInterrupted || (keeping.interval > 0 && (index + 1) % keeping.interval == 0) {
                    reached.training = replica.state
                    keeping.save(reached)
                }
                if isInterrupted { throw .interrupted }
            }
        }
        reached.training = replica.state
        guard configuration.network == nil else {
            return SearchOutcome(configuration: configuration, state: replica.state, losses: reached.losses)
        }
        return try select(replica: replica, from: reached, keeping: keeping, observe: observe)
    }

    /// Selects from the supernet as the replica has it, or compares criteria on it, as its configuration asks for.
    /// - Parameter beginning: losses and evaluations that are known already.
    public static func select(
        replica: Replica, from beginning: SearchState? = nil, keeping: Keeping? = nil, observe: (SearchEvent) -> Void
    ) throws(SearchError) -> SearchOutcome {
        let plan = replica.plan
        let betas = replica.betas()
        var selection = try plan.taskSource(betas: betas)
        observe(.selectionStarted(plan, edges: betas.count))
        var reached = beginning ?? SearchState(training: replica.state, losses: [])
        for evaluation in reached.evaluations {
            let events = try selection.record(evaluation)
            for event in events.compactMap(SearchEvent.init) { observe(event) }
        }
        keeping?.save(reached)
        let clock = ContinuousClock()
        var lastSave = clock.now
        while let task = selection.takeTask() {
            let evaluation = replica.answer(task)
            let events = try selection.record(evaluation)
            reached.evaluations.append(evaluation)
            let isInterrupted = keeping?.isInterrupted() ?? false
            if isInterrupted || !events.isEmpty || clock.now - lastSave >= Selection.saveInterval {
                keeping?.save(reached)
                lastSave = clock.now
            }
            if isInterrupted { throw .interrupted }
            let progress = selection.progress
            observe(.evaluationsDone(done: progress.done, total: progress.total))
            for event in events.compactMap(SearchEvent.init) { observe(event) }
        }
        var outcome = SearchOutcome(configuration: plan.configuration, state: replica.state, losses: reached.losses)
        selection.conclude(&outcome)
        return outcome
    }

    /// Computes and applies one half-step; `gradient` is scratch for the largest gradient.
    private static func step(
        _ halfStep: HalfStep, of replica: Replica, gradient: inout [Float]
    ) throws(SearchError) -> LossSum {
        let count = replica.gradientCount(of: halfStep)
        let shards = replica.plan.configuration.shards
        // A rethrowing closure would lose the error's type.
        let result = gradient.withUnsafeMutableBufferPointer { buffer -> Result<LossSum, SearchError> in
            let sum = UnsafeMutableBufferPointer(rebasing: buffer[..<count])
            guard let base = sum.baseAddress else { return .failure(.mismatch("a gradient without elements")) }
            let losses = replica.computeShards(0..<shards, of: halfStep) { _, elements, source in
                (base + elements.lowerBound).update(from: source + elements.lowerBound, count: elements.count)
            }
            do throws(SearchError) {
                try replica.apply(halfStep, gradientSum: sum, losses: losses)
                return .success(LossSum.sum(losses))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
