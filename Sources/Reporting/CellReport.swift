/// A cell, and in NAS-Bench-201 what the benchmark knows of the network made of it.
public struct CellReport: Sendable, Codable, Equatable {
    /// Accuracies in percent, and the rank by test accuracy among all of the benchmark's cells, 1 for the best.
    public struct Accuracy: Sendable, Codable, Equatable {
        /// As the benchmark names it, for example `cifar10`.
        public var dataset: String
        /// Percent.
        public var validation: Double
        /// Percent.
        public var test: Double
        /// By test accuracy, 1 for the best.
        public var rank: Int

        /// All fields.
        public init(dataset: String, validation: Double, test: Double, rank: Int) {
            self.dataset = dataset
            self.validation = validation
            self.test = test
            self.rank = rank
        }
    }

    /// The cell as the benchmark writes it; nil in other spaces.
    public var architecture: String?
    /// The cell as quark0/darts writes it.
    public var genotype: String
    /// One name an edge.
    public var operations: [String]
    /// Whether the cell has each edge.
    public var kept: [Bool]
    /// The benchmark's number for the cell; nil in other spaces.
    public var index: Int?
    /// Of the network that the benchmark trained for CIFAR-10, in millions; nil in other spaces.
    public var parametersMillions: Double?
    /// Empty in other spaces.
    public var accuracies: [Accuracy]

    /// All fields.
    public init(
        architecture: String? = nil, genotype: String, operations: [String], kept: [Bool], index: Int? = nil,
        parametersMillions: Double? = nil, accuracies: [Accuracy] = []
    ) {
        self.architecture = architecture
        self.genotype = genotype
        self.operations = operations
        self.kept = kept
        self.index = index
        self.parametersMillions = parametersMillions
        self.accuracies = accuracies
    }

    enum CodingKeys: String, CodingKey {
        case architecture, genotype, operations, kept, index, accuracies
        case parametersMillions = "parameters_millions"
    }
}
