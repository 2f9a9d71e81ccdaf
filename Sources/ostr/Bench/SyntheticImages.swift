import Datasets
import Foundation
import Kernels

/// Random images: as good as any for timing.
enum SyntheticImages {
    /// Colour images of any size and number of classes, in memory.
    static func dataset(count: Int, size: Int, classes: Int) -> ImageDataset {
        let bytes = random(count: count * 3 * size * size, stream: 0)
        let labels = random(count: count, stream: 1).map { UInt8(Int($0) % classes) }
        return ImageDataset(
            kind: .cifar10, channels: 3, size: size, classNames: (0..<classes).map { "\($0)" }, pixels: bytes,
            labels: labels)
    }

    /// The same images as CIFAR-10's first file in `folder`, for worker processes.
    static func write(_ dataset: ImageDataset, to folder: URL) throws(Failure) {
        let pixels = dataset.pixels.count / max(dataset.count, 1)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(dataset.count * (pixels + 1))
        for image in 0..<dataset.count {
            bytes.append(dataset.labels[image])
            bytes += dataset.pixels[image * pixels..<(image + 1) * pixels]
        }
        do {
            try Data(bytes).write(to: folder.appendingPathComponent("data_batch_1.bin"))
        } catch {
            throw Failure(.inputOutput, "cannot write \(folder.path): \(error.localizedDescription)")
        }
    }

    private static func random(count: Int, stream: Int) -> [UInt8] {
        let draws = Philox(seed: 0, purpose: .synthetic, stream: stream)
        return (0..<count).map { UInt8(truncatingIfNeeded: draws.integer(below: 256, at: $0)) }
    }
}
