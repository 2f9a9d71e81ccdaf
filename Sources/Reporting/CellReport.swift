/// A cell, and what the benchmark knows of the network made of it.
public struct CellReport: Sendable, Codable, Equatable {
    /// Accuracies in percent, and the rank by test accuracy among all of the benchmark's cells, 1 for the best.
    public struct Accuracy: Sendable, Codable, Equatable {
        public var dataset: String
        public var validation: Double
        public var test: Double
        public var rank: Int

        public init(dataset: String, validation: Double, test: Double, rank: Int) {
            self.dataset = dataset
            self.validation = validation
            self.test = test
            self.rank = rank
        }
    }

    /// The cell as the benchmark writes it.
    public var architecture: String
    /// The cell as quark0/darts writes it.
    public var genotype: String
    /// One name an edge.
    public var operations: [String]
    /// The benchmark's number for the cell.
    public var index: Int
    /// Of the network that the benchmark trained for CIFAR-10, in millions.
    public var parametersMillions: Double
    public var accuracies: [Accuracy]

    public init(
        architecture: String, genotype: String, operations: [String], index: Int, parametersMillions: Double,
        accuracies: [Accuracy]
    ) {
        self.architecture = architecture
        self.genotype = genotype
        self.operations = operations
        self.index = index
        self.parametersMillions = parametersMillions
        self.accuracies = accuracies
    }

    enum CodingKeys: String, CodingKey {
        case architecture, genotype, operations, index, accuracies
        case parametersMillions = "parameters_millions"
    }
}
