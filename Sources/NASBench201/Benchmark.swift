/// What the NAS-Bench-201 benchmark measured: every cell trained alone for 200 epochs, on three data sets.
///
/// The whole table is part of the program; a look-up costs nanoseconds, a rank one pass over the table.
public enum Benchmark {
    /// The benchmark's data sets.
    public enum Dataset: String, Sendable, CaseIterable {
        case cifar10 = "CIFAR-10"
        case cifar100 = "CIFAR-100"
        case imageNet16 = "ImageNet16-120"
    }

    /// Which images an accuracy is over.
    public enum Split: String, Sendable, CaseIterable {
        case validation
        case test
    }

    /// One column of accuracies.
    public struct Metric: Sendable, Hashable {
        /// What was trained on.
        public var dataset: Dataset
        /// What was measured on.
        public var split: Split

        /// - Parameters: as the properties.
        public init(_ dataset: Dataset, _ split: Split) {
            self.dataset = dataset
            self.split = split
        }

        /// The usual one: test accuracy on CIFAR-10.
        public static let cifar10Test = Metric(.cifar10, .test)
    }

    /// One row of the table.
    public struct Entry: Sendable, Hashable {
        /// The cell that was trained.
        public let architecture: Architecture
        /// Its number in the benchmark, 0 ..< 15,625.
        public let index: Int
        /// Parameters of its network for CIFAR-10, in millions.
        public let parametersMillions: Double
        /// Thousandths of a percent, validation before test.
        fileprivate let thousandths: [Int]

        /// Percent, mean over the seeds that were trained.
        public func accuracy(_ metric: Metric) -> Double { Double(thousandths[metric.column]) / 1000 }
    }

    /// How many architectures there are.
    public static let count = 15_625

    /// The row of an architecture.
    public static func entry(for architecture: Architecture) -> Entry {
        let code = architecture.code
        return Entry(
            architecture: architecture, index: PackedRow.index(code),
            parametersMillions: Double(packedParameters[PackedRow.parameters(code)]) / 1_000_000,
            thousandths: (0..<6).map { PackedRow.accuracy(code, column: $0) })
    }

    /// All rows, in the benchmark's order.
    public static var entries: [Entry] {
        (0..<count).map { entry(for: Architecture(code: $0)) }.sorted { $0.index < $1.index }
    }

    /// An architecture's place among all, by accuracy: 1 is the best, and equal ones share the better place.
    public static func rank(of architecture: Architecture, by metric: Metric = .cifar10Test) -> Int {
        let own = PackedRow.accuracy(architecture.code, column: metric.column)
        var better = 0
        for code in 0..<count where PackedRow.accuracy(code, column: metric.column) > own { better += 1 }
        return better + 1
    }
}

extension Benchmark.Metric {
    /// As `tools/pack-nasbench201` orders the accuracies.
    fileprivate var column: Int {
        let place =
            switch dataset {
            case .cifar10: 0
            case .cifar100: 1
            case .imageNet16: 2
            }
        return split == .validation ? place : place + 3
    }
}

/// Reads the packed table; `tools/pack-nasbench201` documents its form.
private enum PackedRow {
    private static let characters = 22
    private static let rowsInLine = 5

    static func index(_ code: Int) -> Int { number(code, offset: 0, characters: 3) }

    static func accuracy(_ code: Int, column: Int) -> Int { number(code, offset: 3 + 3 * column, characters: 3) }

    static func parameters(_ code: Int) -> Int { number(code, offset: 21, characters: 1) }

    private static func number(_ code: Int, offset: Int, characters: Int) -> Int {
        precondition(code >= 0 && code < Benchmark.count)
        // Each line of the table ends in a line break, a character of its own.
        let start = code * Self.characters + code / rowsInLine + offset
        return packedTable.withUTF8Buffer { bytes in
            (start..<start + characters).reduce(0) { $0 << 6 | Int(bytes[$1] - 48) }
        }
    }
}
