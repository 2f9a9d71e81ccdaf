import Kernels

/// A whole search in one process and one thread, without a network: the reference for every distributed run.
public enum LocalSearch {
    /// Trains the supernet, then selects.
    ///
    /// - Parameters:
    ///   - replica: made for this configuration, with the state that a training starts from.
    ///   - observe: called on this thread.
    /// - Throws: `SearchError.nonFinite` when training diverges; `SearchError.mismatch` when the replica does not fit.
    public static func run(
        configuration: SearchConfiguration, replica: Replica, observe: (SearchEvent) -> Void
    ) throws(SearchError) -> SearchOutcome {
        let plan = replica.plan
        guard plan.configuration == configuration else {
            throw .mismatch("the replica was made for another configuration")
        }
        guard replica.appliedHalfSteps == 0 else {
            throw .mismatch("the replica has \(replica.appliedHalfSteps) half-steps behind it; a search starts from 0")
        }
        observe(.trainingStarted(epochs: configuration.epochs, stepsPerEpoch: plan.stepsPerEpoch))
        var losses: [LossSum] = []
        losses.reserveCapacity(plan.halfSteps)
        var epoch = EpochLosses(plan: plan)
        var gradient = [Float](
            repeating: 0, count: max(replica.gradientCount(.weights), replica.gradientCount(.alphas)))
        for index in 0..<plan.halfSteps {
            let halfStep = plan.halfStep(index)
            let loss = try step(halfStep, of: replica, gradient: &gradient)
            losses.append(loss)
            observe(.halfStepApplied(halfStep, loss))
            if let end = epoch.add(loss, of: halfStep) { observe(end) }
        }
        let selection = try select(replica: replica, observe: observe)
        return SearchOutcome(
            configuration: configuration, state: replica.state, losses: losses, selection: selection)
    }

    /// Selects from the supernet as the replica has it, with the options of its configuration.
    public static func select(
        replica: Replica, observe: (SearchEvent) -> Void
    ) throws(SearchError) -> SelectionResult {
        let plan = replica.plan
        let betas = replica.betas()
        var selection = Selection(
            betas: betas, shards: plan.selectionShards, options: plan.configuration.selection)
        observe(
            .selectionStarted(images: plan.selectionShards * plan.configuration.shardImages, edges: betas.count))
        while let task = selection.takeTask() {
            let events = try selection.record(task, losses: replica.evaluate(task))
            let progress = selection.progress
            observe(.evaluationsDone(done: progress.done, total: progress.total))
            for case .edgeDecided(let edge, let operation) in events {
                observe(.edgeDecided(edge: edge, operation: operation))
            }
        }
        return selection.result
    }

    /// Computes and applies one half-step; `gradient` is scratch for the largest gradient.
    private static func step(
        _ halfStep: HalfStep, of replica: Replica, gradient: inout [Float]
    ) throws(SearchError) -> LossSum {
        let count = replica.gradientCount(halfStep.kind)
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
