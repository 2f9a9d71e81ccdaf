import Datasets
import Supernet

/// Which half-step comes first in a step.
public enum StepOrder: String, Codable, Sendable, CaseIterable {
    /// As in quark0/darts.
    case alphasFirst = "alphas-first"
    /// As in AutoDL-Projects.
    case weightsFirst = "weights-first"
}

/// SGD with momentum on the supernet's weights; the learning rate falls along a cosine, by epoch.
public struct WeightsOptimizer: Codable, Sendable, Hashable {
    public var learningRate = 0.025
    public var minimumLearningRate = 0.001
    public var momentum = 0.9
    public var weightDecay = 5e-4
    public var nesterov = true
    /// The largest norm of the averaged gradient over all weights.
    public var clip = 5.0
    public init() {}
}

/// Adam on the alphas.
public struct AlphasOptimizer: Codable, Sendable, Hashable {
    public var learningRate = 3e-4
    public var beta1 = 0.5
    public var beta2 = 0.999
    public var epsilon = 1e-8
    public var weightDecay = 1e-3
    public init() {}
}

/// How the architecture is chosen from a trained supernet.
public struct SelectionOptions: Codable, Sendable, Hashable {
    /// How many of the alphas' half are used, cut to whole shards; nil for all.
    public var images: Int?
    /// Evaluate every operation on every image, without exact pruning.
    public var fullTable = false
    public init() {}
}

/// Everything that the numbers of a search depend on. The number of workers is not in it.
public struct SearchConfiguration: Codable, Sendable, Hashable {
    public var supernet: SupernetShape
    public var dataset: DatasetKind
    /// The first so many images of the data set; nil for all.
    public var images: Int?
    /// `ImageDataset.digest` of the images used.
    public var datasetDigest: String
    public var epochs: Int
    /// Images a half-step uses, B.
    public var batch: Int
    /// Shards of a batch, S: a power of two that divides B. Batch normalisation uses its shard's statistics.
    public var shards: Int
    public var seed: UInt64
    public var stepOrder = StepOrder.alphasFirst
    public var augment = true
    public var weights = WeightsOptimizer()
    public var alphas = AlphasOptimizer()
    public var selection = SelectionOptions()

    public var shardImages: Int { batch / shards }

    public init(
        supernet: SupernetShape, dataset: DatasetKind, images: Int? = nil, datasetDigest: String, epochs: Int,
        batch: Int, shards: Int, seed: UInt64
    ) {
        self.supernet = supernet
        self.dataset = dataset
        self.images = images
        self.datasetDigest = datasetDigest
        self.epochs = epochs
        self.batch = batch
        self.shards = shards
        self.seed = seed
    }
}
