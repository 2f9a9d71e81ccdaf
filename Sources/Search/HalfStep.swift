import Supernet

/// The unit of training progress: one update of the alphas on a validation batch, or of the weights on a training batch.
public struct HalfStep: Sendable, Hashable {
    public typealias Kind = ParameterGroup

    /// Counted from 0 over the whole training.
    public let index: Int
    public let kind: Kind
    public let epoch: Int
    /// Counted from 0 within the epoch.
    public let step: Int
}

/// A cross-entropy summed over images, and how many of them were classified correctly.
public struct LossSum: Codable, Sendable, Hashable {
    /// Natural units, summed over `images`.
    public var loss: Double
    public var correct: Int
    public var images: Int

    public init(loss: Double = 0, correct: Int = 0, images: Int = 0) {
        self.loss = loss
        self.correct = correct
        self.images = images
    }

    public var mean: Double { images == 0 ? 0 : loss / Double(images) }
    /// In 0 ... 1.
    public var accuracy: Double { images == 0 ? 0 : Double(correct) / Double(images) }
}

/// One unit of selection work: losses of a range of shards, with some edges decided and possibly one edge replaced.
public struct StrengthTask: Sendable, Hashable, Codable {
    /// An edge whose mixture one operation replaces.
    public struct Replacement: Sendable, Hashable, Codable {
        public var edge: Int
        public var operation: Int
        public init(edge: Int, operation: Int) {
            self.edge = edge
            self.operation = operation
        }
    }

    /// nil: the supernet as it stands.
    public var replacement: Replacement?
    /// One entry an edge: the operation decided for it, nil while it is mixed.
    public var decided: [Int?]
    /// Shards of the held-out images.
    public var shards: Range<Int>

    public init(replacement: Replacement?, decided: [Int?], shards: Range<Int>) {
        self.replacement = replacement
        self.decided = decided
        self.shards = shards
    }
}
