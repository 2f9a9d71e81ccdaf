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

    /// Shards of 16 images unless said otherwise.
    static let shardImages = 16

    init(_ name: Name) {
        batch = 64
        switch name {
        case .demo:
            (dataset, images, channels, cells, epochs) = (.fashionMNIST, 10_000, 8, 1, 10)
        case .paper:
            (dataset, images, channels, cells, epochs) = (.cifar10, nil, 16, 5, 50)
        }
    }
}

enum SpaceName: String, CaseIterable, ExpressibleByArgument {
    case nasbench201
}

extension DatasetKind: ExpressibleByArgument {}
extension StepOrder: ExpressibleByArgument {}
extension ConvolutionAlgorithm: ExpressibleByArgument {}
