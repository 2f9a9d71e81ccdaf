import ArgumentParser
import Datasets

/// Which images are used.
struct ImageOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Data set. (default: demo fashion-mnist, paper cifar10)", valueName: "name"))
    var dataset: DatasetKind?

    @Option(
        help: ArgumentHelp(
            "Folder of the data set's files. (default: fashion-mnist \(DatasetFolder.of(.fashionMNIST)), which "
                + "Debian's package dataset-fashion-mnist fills; others data/NAME)",
            valueName: "folder"))
    var data: String?

    @Option(
        help: ArgumentHelp(
            "Use the first so many images; half train weights, half alphas. (default: demo 10000, paper all)",
            valueName: "n"))
    var images: Int?

    func kind(_ preset: Preset) -> DatasetKind { dataset ?? preset.dataset }

    func folder(_ kind: DatasetKind) -> String { data ?? DatasetFolder.of(kind) }

    mutating func validate() throws {
        try Check.positive(images, "--images")
    }
}

/// Where data sets are looked for.
enum DatasetFolder {
    static func of(_ kind: DatasetKind) -> String {
        kind == .fashionMNIST ? "/usr/share/datasets/fashion-mnist" : "data/\(kind.rawValue)"
    }
}

/// Checks of single values, with one wording.
enum Check {
    static func positive(_ value: Int?, _ name: String) throws {
        if let value, value < 1 {
            throw ValidationError("\(name) \(value) is impossible; it must be 1 or more.")
        }
    }

    static func positive(_ value: Double?, _ name: String) throws {
        if let value, !(value > 0 && value.isFinite) {
            throw ValidationError("\(name) \(value) is impossible; it must be greater than 0.")
        }
    }

    static func notNegative(_ value: Int?, _ name: String) throws {
        if let value, value < 0 {
            throw ValidationError("\(name) \(value) is impossible; it must be 0 or more.")
        }
    }

    static func notNegative(_ value: Double?, _ name: String) throws {
        if let value, !(value >= 0 && value.isFinite) {
            throw ValidationError("\(name) \(value) is impossible; it must be 0 or more.")
        }
    }

    /// Sizes above this are mistakes that would exhaust the memory before anything could be said.
    static func atMost(_ limit: Int, _ value: Int?, _ name: String) throws {
        if let value, value > limit {
            throw ValidationError("\(name) \(value) is impossible; it must be \(limit) or less.")
        }
    }
}
