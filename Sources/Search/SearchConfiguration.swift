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
    /// In the first epoch.
    public var learningRate = 0.025
    /// What the cosine falls towards.
    public var minimumLearningRate = 0.001
    /// Share of the old momentum that is kept, in 0 ..< 1.
    public var momentum = 0.9
    /// Added to the gradient, times the weight.
    public var weightDecay = 5e-4
    /// Whether a step looks ahead along the momentum.
    public var nesterov = true
    /// The largest norm of the averaged gradient over all weights; 0 for no limit.
    public var clip = 5.0
    /// The defaults.
    public init() {}
}

/// Adam on the alphas.
public struct AlphasOptimizer: Codable, Sendable, Hashable {
    /// The same in every epoch.
    public var learningRate = 3e-4
    /// Decay of the first moment, in 0 ..< 1.
    public var beta1 = 0.5
    /// Decay of the second moment, in 0 ..< 1.
    public var beta2 = 0.999
    /// Added to the square root of the second moment.
    public var epsilon = 1e-8
    /// Added to the gradient, times the alpha.
    public var weightDecay = 1e-3
    /// The defaults.
    public init() {}
}

/// How a node's edges are chosen, in a space whose nodes keep only some of them.
public enum EdgeRule: String, Codable, Sendable, CaseIterable {
    /// Those without which the loss is largest.
    case strength
    /// Those whose candidates have the largest β, as DARTS does.
    case magnitude
    /// All of them.
    case all
}

/// What is measured of an operation.
public enum SelectionCriterion: String, Codable, Sendable, CaseIterable {
    /// The loss with the operation alone in the mixture's place; the smallest wins.
    case strength
    /// The loss of the mixture without the operation, the other betas as they are; the largest wins.
    case removal
}

/// The weight at which an operation stands alone, while it is measured and once it is decided.
public enum OperationWeight: String, Codable, Sendable, CaseIterable {
    case one
    /// Its own β.
    case beta
    /// √Σβ² over the edge's operations but `none`: the standard deviation that a mixture of uncorrelated outputs has, where
    /// each of them has 1.
    case variance
}

/// Which edge is decided next.
public enum EdgeOrder: String, Codable, Sendable, CaseIterable {
    /// As the space has them.
    case sequential
    case reverse
    /// A permutation drawn from a seed.
    case random
    /// The one whose best operation is the farthest ahead of the next best; all that are left are measured for it.
    case greedy
}

/// How the architecture is chosen from a trained supernet.
public struct SelectionOptions: Codable, Sendable, Hashable {
    /// How many of the alphas' half are used, cut to whole shards; nil for all.
    public var images: Int?
    /// Evaluate every operation on every image, without exact pruning.
    public var fullTable = false
    /// The probability, at least, with which racing candidates give the operations of the full table, above 0.5 and below 1; nil
    /// for no racing.
    public var racing: Double?
    /// Whether the worse half of an edge's candidates is dropped while the set of images doubles; nil for false.
    public var halving: Bool?
    /// nil where nodes keep all of their edges anyway, and for the default, `strength`.
    public var edgeChoice: EdgeRule?
    /// nil for `strength`.
    public var criterion: SelectionCriterion?
    /// nil for `one`.
    public var weight: OperationWeight?
    /// Whether `none` is no candidate, even where the space has it as one; nil for false.
    public var withoutNone: Bool?
    /// Epochs that the weights are trained for after each decision, before the next one; nil for none.
    public var fineTuneEpochs: Int?
    /// nil for `sequential`.
    public var edgeOrder: EdgeOrder?
    /// Of the order `random`, and of the criterion of that name; nil for 0.
    public var edgeOrderSeed: UInt64?
    /// Criteria that are compared in place of one selection; `criterion`, `weight` and `withoutNone` do not count then. nil for a
    /// selection.
    public var compared: [Criterion]?
    /// The defaults.
    public init() {}
}

/// Everything that the numbers of a search depend on, or those of the training of a network. The number of workers is not
/// in it.
public struct SearchConfiguration: Codable, Sendable, Hashable {
    /// What is trained; or the skeleton around the cells of `network`.
    public var supernet: SupernetShape
    /// The network that is trained in place of a search; nil for a search.
    public var network: NetworkTraining?
    /// What it is trained on.
    public var dataset: DatasetKind
    /// The first so many images of the data set; nil for all.
    public var images: Int?
    /// `ImageDataset.digest` of the images used.
    public var datasetDigest: String
    /// Passes over the images that train the weights; 0 selects from the initial supernet.
    public var epochs: Int
    /// Images a half-step uses, B.
    public var batch: Int
    /// Shards of a batch, S: a power of two that divides B. In training batch normalisation uses its shard's statistics; the
    /// running ones of a network follow the mean over shards.
    public var shards: Int
    /// What every random draw depends on.
    public var seed: UInt64
    /// How 3×3 convolutions are computed.
    public var convolution = ConvolutionAlgorithm.auto
    /// Which half-step of a step comes first.
    public var stepOrder = StepOrder.alphasFirst
    /// Whether the alphas' updates are of second order, through one step of the weights; nil for false, first order.
    public var unrolled: Bool?
    /// Whether images are cropped and flipped in training; never in selection.
    public var augment = true
    /// How the weights are trained.
    public var weights = WeightsOptimizer()
    /// How the alphas are trained.
    public var alphas = AlphasOptimizer()
    /// How the architecture is chosen.
    public var selection = SelectionOptions()
    /// Which part of a search that trains between decisions this is; nil for the first one, and for other searches.
    public var stage: SearchStage?

    /// Images of a shard, B / S.
    public var shardImages: Int { batch / shards }

    /// With the usual optimisers; `validate(imageCount:)` tells whether it is possible.
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
