/// The random change of an image in training: padding with black and cropping to the old size, then a mirror image, then
/// a square that is blanked out.
public struct Augmentation: Sendable, Hashable {
    /// Black pixels on each side before the crop.
    public var cropPadding: Int
    /// Whether every second image, on average, is mirrored left to right.
    public var flips: Bool
    /// Pixels a side of the square that is set to 0 after normalisation, the mean; around a pixel at random, so that a part
    /// of it may lie outside (DeVries, Taylor, arXiv 1708.04552). 0 for none.
    public var cutout: Int

    /// - Parameters: as the properties.
    public init(cropPadding: Int, flips: Bool, cutout: Int = 0) {
        self.cropPadding = cropPadding
        self.flips = flips
        self.cutout = cutout
    }

    /// What is usual for a data set: crop with padding 4, and flips except for digits.
    public static func usual(for kind: DatasetKind) -> Augmentation {
        Augmentation(cropPadding: 4, flips: kind != .mnist)
    }
}

/// Mean and standard deviation of a data set's pixel values / 255, by channel.
public struct Normalization: Sendable, Hashable {
    /// One value a channel.
    public var mean: [Float]
    /// One value a channel.
    public var standardDeviation: [Float]

    /// What is usual for a data set. CIFAR-10's values are those of quark0/darts.
    public static func usual(for kind: DatasetKind) -> Normalization {
        switch kind {
        case .cifar10:
            Normalization(
                mean: [0.49139968, 0.48215827, 0.44653124], standardDeviation: [0.24703233, 0.24348505, 0.26158768])
        case .cifar100: Normalization(mean: [0.5071, 0.4867, 0.4408], standardDeviation: [0.2675, 0.2565, 0.2761])
        case .fashionMNIST: Normalization(mean: [0.2860], standardDeviation: [0.3530])
        case .mnist: Normalization(mean: [0.1307], standardDeviation: [0.3081])
        }
    }
}
