import Supernet

/// The unit of training progress, with one gradient that is summed over all shards: one update of the alphas on a validation batch, or
/// of the weights on a training batch; of an unrolled update of the alphas, one of its four parts.
public struct HalfStep: Sendable, Hashable {
    /// Which group of parameters it updates.
    public typealias Kind = ParameterGroup

    /// What a half-step is of its update.
    public enum Part: String, Sendable {
        /// All of it.
        case whole
        /// The gradient by the weights on the training batch, which moves them a step ahead for the time being.
        case lookAhead = "look-ahead"
        /// The gradients by alphas and weights on the validation batch, one step ahead.
        case ahead
        /// The gradient by the alphas on the training batch, the weights being moved along their gradient of the part before.
        case above
        /// The same, the weights being moved against it; then the alphas are updated.
        case below
    }

    /// Counted from 0 over the whole training.
    public let index: Int
    /// The group that it updates.
    public let kind: Kind
    /// What it is of that update.
    public let part: Part
    /// Counted from 0.
    public let epoch: Int
    /// Counted from 0 within the epoch.
    public let step: Int
    /// Half-steps of a step.
    public let halfStepsPerStep: Int

    /// The half whose images it uses: that of the weights, the training images, or that of the alphas.
    public var images: Kind {
        switch part {
        case .whole: kind
        case .lookAhead, .above, .below: .weights
        case .ahead: .alphas
        }
    }

    /// Whether its loss is part of its epoch's: once a batch; that of an unrolled update's validation batch is taken one step ahead.
    public var countsForEpoch: Bool { part == .whole || part == .ahead }

    /// A number that all parts of a step share, and no other step has: differences of their gradients are not differences of
    /// their draws.
    var drawing: Int { part == .whole && halfStepsPerStep == 2 ? index + 1 : index / halfStepsPerStep + 1 }
}
