import Kernels

/// A cross-entropy summed over images, and how many of them were classified correctly.
public struct LossSum: Codable, Sendable, Hashable {
    /// Natural units, summed over `images`.
    public var loss: Double
    /// Images whose largest logit is that of their label.
    public var correct: Int
    /// Images summed over.
    public var images: Int

    /// A sum; nothing by default.
    public init(loss: Double = 0, correct: Int = 0, images: Int = 0) {
        self.loss = loss
        self.correct = correct
        self.images = images
    }

    /// The mean cross-entropy of an image; 0 without images.
    public var mean: Double { images == 0 ? 0 : loss / Double(images) }
    /// In 0 ... 1.
    public var accuracy: Double { images == 0 ? 0 : Double(correct) / Double(images) }

    /// The sum of the shards' sums in the summation tree: that of a half-step, or of a selection's evaluation.
    public static func sum(_ shards: [LossSum]) -> LossSum {
        LossSum(
            loss: SummationTree.sum(count: shards.count) { shards[$0].loss },
            correct: shards.reduce(0) { $0 + $1.correct }, images: shards.reduce(0) { $0 + $1.images })
    }
}
