import Crypto

/// Labelled images in memory.
public struct ImageDataset: Sendable {
    /// Which of a data set's two parts.
    public enum Split: String, Sendable, CaseIterable {
        case training
        case test
    }

    /// What they are images of.
    public let kind: DatasetKind
    /// 3 for colour, 1 for grey.
    public let channels: Int
    /// Height and width in pixels, after padding (32 for all kinds here).
    public let size: Int
    /// In label order.
    public let classNames: [String]
    /// (n, channels, size, size), row-major bytes as in the files.
    public let pixels: [UInt8]
    /// (n)
    public let labels: [UInt8]
    /// SHA-256, in hexadecimal, of count, channels, size and classes (UInt32, little-endian), then pixels, then labels:
    /// two workers with the same digest train on the same data.
    public let digest: String

    /// How many images.
    public var count: Int { labels.count }
    /// How many labels there are.
    public var classes: Int { classNames.count }

    /// Images from memory. Costs one SHA-256 over the pixels.
    ///
    /// - Precondition: `pixels` has labels × channels × size² bytes, and labels are below the number of class names.
    public init(
        kind: DatasetKind, channels: Int, size: Int, classNames: [String], pixels: [UInt8], labels: [UInt8]
    ) {
        precondition(pixels.count == labels.count * channels * size * size, "pixels do not fit the shape")
        precondition(labels.allSatisfy { Int($0) < classNames.count }, "a label is out of range")
        self.kind = kind
        self.channels = channels
        self.size = size
        self.classNames = classNames
        self.pixels = pixels
        self.labels = labels

        var hash = SHA256()
        for number in [labels.count, channels, size, classNames.count] {
            hash.update(data: (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) })
        }
        pixels.withUnsafeBytes { hash.update(bufferPointer: $0) }
        labels.withUnsafeBytes { hash.update(bufferPointer: $0) }
        digest = hash.finalize().map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
