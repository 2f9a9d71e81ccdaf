/// Which data set, and so which reader, which usual augmentation and which normalisation.
public enum DatasetKind: String, Codable, Sendable, CaseIterable {
    case fashionMNIST = "fashion-mnist"
    case mnist
    case cifar10
    case cifar100
}

/// Labelled images in memory.
public struct ImageDataset: Sendable {
    public let kind: DatasetKind
    /// 3 for colour, 1 for grey.
    public let channels: Int
    /// Height and width in pixels, after padding (32 for all kinds here).
    public let size: Int
    public let classNames: [String]
    /// (n, channels, size, size), row-major bytes as in the files.
    public let pixels: [UInt8]
    /// (n)
    public let labels: [UInt8]
    /// SHA-256 of shape, pixels and labels, in hexadecimal: two workers with the same digest train on the same data.
    public let digest: String

    public var count: Int { labels.count }
    public var classes: Int { classNames.count }
}
