import Supernet

/// The unit of training progress: one update of the alphas on a validation batch, or of the weights on a training batch.
public struct HalfStep: Sendable, Hashable {
    /// Which group of parameters it updates.
    public typealias Kind = ParameterGroup

    /// Counted from 0 over the whole training.
    public let index: Int
    /// The group that it updates.
    public let kind: Kind
    /// Counted from 0.
    public let epoch: Int
    /// Counted from 0 within the epoch.
    public let step: Int
}
