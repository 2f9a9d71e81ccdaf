import Foundation

/// A made-up data set in MNIST's format, small and quick to learn: each label is a bright bar at its own height.
public struct SmallImages: Sendable {
    public let folder: TemporaryFolder
    public let count: Int

    public init(count: Int = 256) throws {
        folder = try TemporaryFolder()
        self.count = count
        for (name, count) in [("train", count), ("t10k", 32)] {
            try folder.write(images(count), to: "\(name)-images-idx3-ubyte")
            try folder.write(labels(count), to: "\(name)-labels-idx1-ubyte")
        }
    }

    public var imagesFile: String { "train-images-idx3-ubyte" }
    public var labelsFile: String { "train-labels-idx1-ubyte" }

    public func images(_ count: Int) -> [UInt8] {
        var bytes = header(0x0803, [count, 28, 28])
        for image in 0..<count {
            let label = image % 10
            for row in 0..<28 {
                let isBar = row / 2 == label + 2
                for column in 0..<28 {
                    let noise = (image &* 7919 &+ row &* 104_729 &+ column &* 1_299_709) % 61
                    bytes.append(UInt8(isBar ? 190 + noise : noise))
                }
            }
        }
        return bytes
    }

    public func labels(_ count: Int) -> [UInt8] {
        header(0x0801, [count]) + (0..<count).map { UInt8($0 % 10) }
    }

    private func header(_ magic: Int, _ sizes: [Int]) -> [UInt8] {
        ([magic] + sizes).flatMap { number in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) } }
    }

    /// Options of a search that takes a second or two on these images.
    public var searchOptions: [String] {
        [
            "--dataset", "mnist", "--data", folder.path, "--channels", "4", "--cells", "1", "--epochs", "1",
            "--batch", "32", "--shards", "4",
        ]
    }
}
