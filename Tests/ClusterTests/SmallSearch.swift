import Datasets
import Search
import Supernet

/// A search that takes about a second: four channels, one cell a stage, grey synthetic images.
enum SmallSearch {
    static let images = 160

    /// Every class has its own stripes, so that there is something to learn.
    static func dataset(images count: Int = images, salt: Int = 0) -> ImageDataset {
        var pixels: [UInt8] = []
        pixels.reserveCapacity(count * 32 * 32)
        for image in 0..<count {
            for row in 0..<32 {
                for column in 0..<32 {
                    let isFrame = row < 2 || row >= 30 || column < 2 || column >= 30
                    let stripe = (row * (image % 5) + column * (image % 2) + salt) % 7
                    pixels.append(isFrame ? 0 : UInt8(30 * stripe + (image * 31 + row * 7 + column) % 32))
                }
            }
        }
        return ImageDataset(
            kind: .mnist, channels: 1, size: 32, classNames: (0..<10).map { "\($0)" }, pixels: pixels,
            labels: (0..<count).map { UInt8($0 % 10) })
    }

    /// Four shards, so that up to four workers train.
    static func configuration(
        _ dataset: ImageDataset, space: String = "nasbench201", channels: Int = 4, cells: Int = 1, epochs: Int = 2,
        batch: Int = 16, shards: Int = 4
    ) -> SearchConfiguration {
        SearchConfiguration(
            supernet: SupernetShape(
                space: space, channels: channels, cells: cells, classes: 10, inputChannels: 1, imageSize: 32),
            dataset: .mnist, images: dataset.count, datasetDigest: dataset.digest, epochs: epochs, batch: batch,
            shards: shards, seed: 3)
    }
}
