import ArgumentParser
import Datasets
import Search
import Supernet

/// A named set of values to begin with; options given on the command line override it.
struct Preset: Sendable {
    enum Name: String, CaseIterable, ExpressibleByArgument {
        case demo, paper
    }

    var dataset: DatasetKind
    /// nil: all there are.
    var images: Int?
    var channels: Int
    var cells: Int
    var epochs: Int
    var batch: Int
    /// The weights' weight decay and momentum, as the space's public code has them.
    var weightDecay: Double
    var nesterov: Bool

    /// Shards of 16 images unless said otherwise.
    static let shardImages = 16

    init(_ name: Name, _ space: SearchSpace) {
        let isDARTS = space.skeleton != .nasbench201
        batch = 64
        switch name {
        case .demo:
            (dataset, images, channels) = (.fashionMNIST, 10_000, 8)
            (cells, epochs) = isDARTS ? (3, 3) : (1, 10)
        case .paper:
            (dataset, images, channels, cells, epochs) = (.cifar10, nil, 16, space.defaultCells, 50)
        }
        weightDecay = isDARTS ? 3e-4 : 5e-4
        nesterov = !isDARTS
    }
}

extension DatasetKind: ExpressibleByArgument {}
extension StepOrder: ExpressibleByArgument {}
extension ConvolutionAlgorithm: ExpressibleByArgument {}
extension EdgeRule: ExpressibleByArgument {}
