/// The losses of an epoch so far, for the events of a search.
public struct EpochLosses: Sendable {
    private var training = LossSum()
    private var validation = LossSum()
    private let plan: TrainingPlan

    /// - Parameter losses: of the half-steps before the next one, all of them.
    public init(plan: TrainingPlan, after losses: [LossSum] = []) {
        self.plan = plan
        for (index, loss) in losses.enumerated().dropFirst(plan.firstHalfStep) {
            _ = add(loss, of: plan.halfStep(index))
        }
    }

    /// Takes a half-step's loss, in order; gives the event that ends an epoch after its last half-step.
    public mutating func add(_ loss: LossSum, of halfStep: HalfStep) -> SearchEvent? {
        if halfStep.countsForEpoch {
            switch halfStep.kind {
            case .weights: training.add(loss)
            case .alphas: validation.add(loss)
            }
        }
        guard (halfStep.index - plan.firstHalfStep + 1) % (plan.halfStepsPerStep * plan.stepsPerEpoch) == 0 else {
            return nil
        }
        defer { self = EpochLosses(plan: plan) }
        return .epochEnded(epoch: halfStep.epoch, training: training, validation: validation)
    }
}

extension LossSum {
    fileprivate mutating func add(_ other: LossSum) {
        loss += other.loss
        correct += other.correct
        images += other.images
    }
}
