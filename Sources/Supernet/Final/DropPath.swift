import Kernels

/// Which values of edges are dropped in a training pass (Larsson, Maire, Shakhnarovich, *FractalNet*, ICLR 2017), as
/// quark0/darts does it: each edge's, but for identities, image by image; what stays is divided by the chance to stay.
///
/// A draw is a function of seed, epoch, the image's index in its data set and the edge, not of the draws before it.
public struct DropPath: Sendable, Hashable {
    /// The run's.
    public var seed: UInt64
    /// Counted from 0.
    public var epoch: Int
    /// In 0 ..< 1.
    public var probability: Double

    /// All fields.
    public init(seed: UInt64, epoch: Int, probability: Double) {
        self.seed = seed
        self.epoch = epoch
        self.probability = probability
    }

    /// What a value that stays is multiplied with.
    var factor: Double { 1 / (1 - probability) }

    /// - Parameters:
    ///   - edge: counted over all cells.
    ///   - image: its index in the data set.
    func drops(edge: Int, image: Int) -> Bool {
        let draws = Philox(seed: seed, purpose: .dropPath, context: epoch, stream: image)
        return Double(draws.uniform(at: edge)) < probability
    }
}
