import Kernels
import Supernet

/// What a replica trains: a supernet, or a network of chosen cells.
enum Trainee {
    case supernet(Supernet)
    case network(FinalNetwork, NetworkTraining)

    /// - Throws: `SearchError.configuration` for what cannot be built.
    init(_ configuration: SearchConfiguration, shardImages: Int) throws(SearchError) {
        guard let network = configuration.network, let genotype = try configuration.genotype() else {
            self = .supernet(
                try Supernet.checked(
                    shape: configuration.supernet, shardImages: shardImages, convolution: configuration.convolution))
            return
        }
        do {
            self = .network(
                try FinalNetwork(
                    genotype, shape: configuration.supernet, auxiliary: network.auxiliaryWeight > 0,
                    shardImages: shardImages, convolution: configuration.convolution), network)
        } catch {
            throw .configuration(error.description)
        }
    }

    /// Names, shapes and places of the weights; the running statistics of a network are the last of them.
    var parameters: ParameterDirectory {
        switch self {
        case .supernet(let supernet): supernet.parameters
        case .network(let network, _): network.parameters
        }
    }

    /// Edges × operations.
    var alphas: Int { if case .supernet(let supernet) = self { supernet.edges * supernet.operations } else { 0 } }

    /// So many of the weights are running statistics, the last ones.
    var statistics: Int {
        if case .network(let network, _) = self { network.parameters.count - network.trained } else { 0 }
    }

    /// β = softmax(α), one row an edge.
    var betas: [[Float]] { if case .supernet(let supernet) = self { supernet.betas } else { [] } }

    func initialState(seed: UInt64) -> TrainingState {
        TrainingState(
            weights: Supernet.initialWeights(parameters, seed: seed),
            alphas: Supernet.initialAlphas(count: alphas, seed: seed))
    }

    func load(weights: UnsafePointer<Float>) {
        switch self {
        case .supernet(let supernet): supernet.load(weights: weights)
        case .network(let network, _): network.load(weights: weights)
        }
    }

    func load(alphas: UnsafePointer<Float>) {
        if case .supernet(let supernet) = self { supernet.load(alphas: alphas) }
    }

    /// The gradient of the shard that a batch has loaded.
    ///
    /// - Parameters: as of `Supernet.gradient` and `FinalNetwork.gradient`.
    func gradient(
        of halfStep: HalfStep, shard: Int, _ batch: ShardBatch, into target: UnsafeMutablePointer<Float>,
        ready: (Range<Int>) -> Void
    ) -> (loss: Double, correct: Int) {
        switch self {
        case .supernet(let supernet):
            supernet.noise = NoiseDraws(
                seed: batch.plan.configuration.seed, context: halfStep.drawing,
                firstImage: shard * supernet.shardImages)
            switch halfStep.part {
            case .ahead:
                return supernet.gradients(images: batch.images, labels: batch.labels, into: target, ready: ready)
            case .lookAhead:
                return supernet.gradient(
                    of: .weights, images: batch.images, labels: batch.labels, into: target, ready: ready)
            case .whole, .above, .below:
                return supernet.gradient(
                    of: halfStep.kind, images: batch.images, labels: batch.labels, into: target, ready: ready)
            }
        case .network(let network, let training):
            return network.gradient(
                images: batch.images, labels: batch.labels, auxiliaryWeight: training.auxiliaryWeight,
                dropPath: batch.plan.dropPath(epoch: halfStep.epoch), indices: batch.indices, into: target, ready: ready
            )
        }
    }
}
