import Datasets
import Kernels
import Supernet

/// How good a trained network of chosen cells is.
public enum NetworkEvaluation {
    /// Images that a network should be made for, to be evaluated.
    public static let images = 50

    /// Loss and accuracy on all images of a data set, as they are, with running statistics.
    ///
    /// - Parameters:
    ///   - network: with its weights loaded.
    ///   - progress: called with images done after each pass.
    public static func measure(
        _ network: FinalNetwork, on dataset: ImageDataset, progress: (Int) -> Void = { _ in }
    ) -> LossSum {
        let loader = ImageLoader(dataset: dataset, seed: 0)
        var pixels = [Float](repeating: 0, count: network.shardImages * loader.imageCount)
        var labels = [UInt8](repeating: 0, count: network.shardImages)
        var sum = LossSum()
        var first = 0
        while first < dataset.count {
            // What is left of an earlier pass behind the last images does not count.
            let indices = first..<min(first + network.shardImages, dataset.count)
            loader.fill(indices, augmentation: nil, epoch: 0, into: &pixels)
            loader.fillLabels(indices, into: &labels)
            let result = network.evaluate(images: pixels, labels: labels, count: indices.count)
            sum.loss += result.loss
            sum.correct += result.correct
            sum.images += indices.count
            first = indices.upperBound
            progress(first)
        }
        return sum
    }
}
