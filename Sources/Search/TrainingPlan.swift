import Datasets
import Kernels
import Supernet

/// What each half-step of a training does: a function of the configuration and the number of images alone.
///
/// The first half of the images trains the weights, the second half the alphas, as in DARTS. Each half is shuffled anew
/// every epoch; the last, smaller batch of an epoch is dropped. In the training of a network every image trains the weights,
/// and a step is one half-step.
public struct TrainingPlan: Sendable {
    /// What the plan follows.
    public let configuration: SearchConfiguration
    /// Images that train the weights: 0 ..< weightsImages.
    public let weightsImages: Int
    /// Images that train the alphas and serve the selection: weightsImages ..< imageCount.
    public let alphasImages: Int
    /// Whole batches in an epoch.
    public let stepsPerEpoch: Int

    /// Epochs before the first one: each has its own order of images.
    public var firstEpoch: Int { configuration.stage?.firstEpoch ?? 0 }

    /// Half-steps before the first one.
    public var firstHalfStep: Int { configuration.stage?.firstHalfStep ?? 0 }

    /// Half-steps of a step; in the training of a network one, of the weights.
    public var halfStepsPerStep: Int { TrainingPlan.alphasParts(configuration).count + 1 }

    /// Half-steps of the whole training.
    public var halfSteps: Int { firstHalfStep + configuration.epochs * stepsPerEpoch * halfStepsPerStep }

    /// The half-steps of an update of the alphas; none in the training of a network.
    private static func alphasParts(_ configuration: SearchConfiguration) -> [HalfStep.Part] {
        if configuration.stage != nil || configuration.network != nil { return [] }
        return configuration.unrolled ?? false ? [.lookAhead, .ahead, .above, .below] : [.whole]
    }

    /// - Parameters:
    ///   - configuration: one that `validate(imageCount:)` has accepted.
    ///   - imageCount: images of the training set that the search uses.
    public init(configuration: SearchConfiguration, imageCount: Int) {
        self.configuration = configuration
        weightsImages = configuration.network == nil ? imageCount / 2 : imageCount
        alphasImages = imageCount - weightsImages
        stepsPerEpoch = weightsImages / configuration.batch
    }

    /// Half-step `index` of the training, from 0.
    public func halfStep(_ index: Int) -> HalfStep {
        let parts = TrainingPlan.alphasParts(configuration)
        let (step, place) = (index - firstHalfStep).quotientAndRemainder(dividingBy: parts.count + 1)
        let alphasPlace = configuration.stepOrder == .alphasFirst ? place : place - 1
        let isAlphas = parts.indices.contains(alphasPlace)
        return HalfStep(
            index: index, kind: isAlphas ? .alphas : .weights, part: isAlphas ? parts[alphasPlace] : .whole,
            epoch: step / stepsPerEpoch, step: step % stepsPerEpoch, halfStepsPerStep: parts.count + 1)
    }

    /// The weights' learning rate in an epoch: a half cosine from the first to the minimum rate; the latter between decisions.
    public func learningRate(epoch: Int) -> Double {
        let optimizer = configuration.weights
        if configuration.stage != nil { return optimizer.minimumLearningRate }
        let turn = 0.5 * Double(epoch) / Double(max(configuration.epochs, 1))
        return optimizer.minimumLearningRate
            + 0.5 * (optimizer.learningRate - optimizer.minimumLearningRate) * (1 + Elementary.cosTwoPi(turn))
    }

    /// What is dropped in an epoch of the training of a network: as quark0/darts has it, more from epoch to epoch.
    func dropPath(epoch: Int) -> DropPath? {
        guard let network = configuration.network, network.dropPath > 0 else { return nil }
        let probability = network.dropPath * Double(epoch) / Double(max(configuration.epochs, 1))
        return DropPath(seed: configuration.seed, epoch: epoch, probability: probability)
    }

    /// The order in which an epoch goes through the images of a half: indices in the data set.
    public func order(_ kind: HalfStep.Kind, epoch: Int) -> [Int] {
        switch kind {
        case .weights:
            return Philox(seed: configuration.seed, purpose: .weightsShuffle, context: epoch)
                .permutation(of: weightsImages)
        case .alphas:
            return Philox(seed: configuration.seed, purpose: .alphasShuffle, context: epoch)
                .permutation(of: alphasImages).map { weightsImages + $0 }
        }
    }

    /// Places in the epoch's order of the images of one shard of a half-step.
    public func places(shard: Int, of halfStep: HalfStep) -> Range<Int> {
        let start = halfStep.step * configuration.batch + shard * configuration.shardImages
        return start..<(start + configuration.shardImages)
    }

    /// Indices in the data set of the images of one shard of the selection.
    public func selectionImages(shard: Int) -> Range<Int> {
        let start = weightsImages + shard * configuration.shardImages
        return start..<(start + configuration.shardImages)
    }

    /// Whole shards of held-out images that the selection uses.
    public var selectionShards: Int {
        min(configuration.selection.images ?? alphasImages, alphasImages) / configuration.shardImages
    }
}
