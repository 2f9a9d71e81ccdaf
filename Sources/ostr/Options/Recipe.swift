import ArgumentParser
import Datasets
import Search
import Supernet

/// A named way to train a network of chosen cells; options given on the command line override it.
struct Recipe: Sendable {
    enum Name: String, CaseIterable, ExpressibleByArgument {
        case small, nasbench201, darts
    }

    var dataset = DatasetKind.cifar10
    /// nil: all there are.
    var images: Int?
    var channels: Int
    var cells: Int
    var epochs: Int
    var batch: Int
    var weights: WeightsOptimizer
    var auxiliaryWeight = 0.0
    var dropPath = 0.0
    var cutout = 0

    /// The most images of a shard, unless shards are asked for.
    static let shardImages = 32

    /// - Throws: `Failure` for a recipe that is for networks of another space.
    init(_ name: Name, _ space: SearchSpace) throws(Failure) {
        let isDARTS = space.skeleton != .nasbench201
        weights = WeightsOptimizer()
        weights.minimumLearningRate = 0
        weights.nesterov = !isDARTS
        weights.weightDecay = isDARTS ? 3e-4 : 5e-4
        weights.clip = isDARTS ? 5 : 0
        switch name {
        case .small:
            (dataset, images, channels, batch) = (.fashionMNIST, 10_000, 8, 64)
            (cells, epochs) = isDARTS ? (5, 5) : (1, 10)
            weights.learningRate = isDARTS ? 0.05 : 0.1
        case .nasbench201:
            (channels, cells, epochs, batch) = (16, 5, 200, 256)
            weights.learningRate = 0.1
        case .darts:
            (channels, cells, epochs, batch) = (36, 20, 600, 96)
            weights.learningRate = 0.025
            (auxiliaryWeight, dropPath, cutout) = (0.4, 0.2, 16)
        }
        guard name == .small || (name == .darts) == isDARTS else {
            throw Failure(
                .usage,
                "the recipe \(name.rawValue) is impossible for a network of \(space.name); give --recipe small or "
                    + "\(isDARTS ? "darts" : "nasbench201")")
        }
    }
}
