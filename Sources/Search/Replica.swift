import Datasets
import Kernels
import Supernet

/// One copy of everything that training changes, and the arithmetic on it. Owned and called by one thread.
public final class Replica {
    public let plan: TrainingPlan

    /// - Throws: `SearchError` when configuration and data set do not fit each other.
    public init(configuration: SearchConfiguration, dataset: ImageDataset) throws(SearchError) {
        fatalError()
    }

    /// Half-steps applied so far; the next one to compute.
    public var appliedHalfSteps: Int { fatalError() }

    /// Floats of the gradient that a half-step of this kind sums over shards.
    public func gradientCount(_ kind: HalfStep.Kind) -> Int { fatalError() }

    /// A 64-bit digest of the state, equal on replicas that are equal. Cheap enough for every half-step.
    public func stateDigest() -> UInt64 { fatalError() }

    /// Computes the shards of `run` for a half-step and adds the complete subtrees inside it.
    ///
    /// - Parameters:
    ///   - ready: called when elements of a subtree's sum are final, in falling ranges that together cover the whole
    ///     gradient, while earlier layers may still be computing. The pointer is to the whole sum, and valid until the
    ///     next call of this function.
    /// - Returns: one loss sum for each shard of the run.
    public func computeShards(
        _ run: Range<Int>, of halfStep: HalfStep,
        ready: (_ subtree: Range<Int>, _ elements: Range<Int>, _ sum: UnsafePointer<Float>) -> Void
    ) -> [LossSum] { fatalError() }

    /// Applies a half-step, given the gradient summed over all shards in the summation tree. `gradientSum` is used as
    /// scratch.
    /// - Throws: `SearchError.nonFinite` when a sum is not finite; the state is then unchanged.
    public func apply(
        _ halfStep: HalfStep, gradientSum: UnsafeMutableBufferPointer<Float>, losses: [LossSum]
    ) throws(SearchError) { fatalError() }

    /// Loss sums of a selection task, one for each shard.
    public func evaluate(_ task: StrengthTask) -> [LossSum] { fatalError() }

    /// β = softmax(α), one row an edge.
    public func betas() -> [[Float]] { fatalError() }

    /// Weights, momentum, alphas and Adam's moments, as bytes in the order of `TrainingState.encoded()`.
    public var state: TrainingState { get { fatalError() } set { fatalError() } }
}
