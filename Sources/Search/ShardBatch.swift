import Datasets
import Kernels

/// The images and labels of one shard at a time, in buffers that are kept. Owned and called by one thread.
final class ShardBatch {
    /// (shardImages, channels, size, size), normalised.
    let images: UnsafeMutablePointer<Float>
    /// (shardImages)
    let labels: UnsafeMutablePointer<UInt8>
    let plan: TrainingPlan
    /// Of the shard's images in the data set.
    private(set) var indices: [Int] = []
    /// Floats of `images`.
    var pixelCount: Int { plan.configuration.shardImages * loader.imageCount }

    private let loader: ImageLoader
    private let augmentation: Augmentation?
    /// The current epoch's order of each half.
    private var orders: [HalfStep.Kind: (epoch: Int, images: [Int])] = [:]

    init(plan: TrainingPlan, dataset: ImageDataset) {
        let configuration = plan.configuration
        self.plan = plan
        loader = ImageLoader(dataset: dataset, seed: configuration.seed)
        var augmentation = configuration.augment ? Augmentation.usual(for: configuration.dataset) : nil
        if let cutout = configuration.network?.cutout, cutout > 0 {
            augmentation = augmentation ?? Augmentation(cropPadding: 0, flips: false)
            augmentation?.cutout = cutout
        }
        self.augmentation = augmentation
        images = .allocate(capacity: configuration.shardImages * loader.imageCount)
        labels = .allocate(capacity: configuration.shardImages)
        images.initialize(repeating: 0, count: configuration.shardImages * loader.imageCount)
        labels.initialize(repeating: 0, count: configuration.shardImages)
    }

    deinit {
        images.deallocate()
        labels.deallocate()
    }

    /// Loads a shard of a half-step's batch, augmented if the configuration says so.
    func load(shard: Int, of halfStep: HalfStep) {
        Profile.enter("load images", .forward, floats: plan.configuration.shardImages * loader.imageCount)
        defer { Profile.leave() }
        let half = halfStep.images
        let epoch = plan.firstEpoch + halfStep.epoch
        if orders[half]?.epoch != epoch { orders[half] = (epoch, plan.order(half, epoch: epoch)) }
        guard let order = orders[half]?.images else { return }
        indices.removeAll(keepingCapacity: true)
        indices += order[plan.places(shard: shard, of: halfStep)]
        loader.fill(indices, augmentation: augmentation, epoch: epoch, into: images)
        loader.fillLabels(indices, into: labels)
    }

    /// Loads a shard of the held-out images as they are.
    func load(selectionShard shard: Int) {
        Profile.enter("load images", .forward, floats: plan.configuration.shardImages * loader.imageCount)
        defer { Profile.leave() }
        let indices = plan.selectionImages(shard: shard)
        loader.fill(indices, augmentation: nil, epoch: 0, into: images)
        loader.fillLabels(indices, into: labels)
    }
}
