/// Which data set, and so which reader, which usual augmentation and which normalisation.
public enum DatasetKind: String, Codable, Sendable, CaseIterable {
    /// Zalando's clothes: 28×28 grey, padded to 32×32.
    case fashionMNIST = "fashion-mnist"
    /// Handwritten digits: 28×28 grey, padded to 32×32.
    case mnist
    /// 32×32 colour.
    case cifar10
    /// 32×32 colour, with the fine labels.
    case cifar100
}

extension DatasetKind {
    /// 3 for colour, 1 for grey.
    public var channels: Int {
        switch self {
        case .fashionMNIST, .mnist: 1
        case .cifar10, .cifar100: 3
        }
    }

    /// Height and width of the images in pixels, after padding.
    public var imageSize: Int { 32 }

    /// How many labels there are.
    public var classes: Int { self == .cifar100 ? 100 : 10 }

    /// Where the files are looked for when no folder is given: where Debian's package puts Fashion-MNIST, and
    /// `data/NAME` for the others.
    public var defaultFolder: String {
        self == .fashionMNIST ? "/usr/share/datasets/fashion-mnist" : "data/\(rawValue)"
    }

    /// What to do when the files are missing in `folder`.
    func remedy(folder: String) -> String {
        switch self {
        case .fashionMNIST:
            "install it with `apt-get install dataset-fashion-mnist`, which fills \(defaultFolder)"
        case .mnist: "put MNIST's four IDX files there, gzipped or not"
        case .cifar10: "fetch it with `script/fetch-cifar10 \(folder)`"
        case .cifar100: "unpack https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz there"
        }
    }
}
