import Search
import Supernet

/// `summary.json` of the training of a network: how a complete run ended.
public struct TrainingSummary: Sendable, Codable, Equatable {
    /// Means over the batches of one epoch, before each update.
    public struct Epoch: Sendable, Codable, Equatable {
        /// Counted from 1.
        public var epoch: Int
        /// Of the network in training.
        public var training: Summary.Measure

        /// All fields.
        public init(epoch: Int, training: Summary.Measure) {
            self.epoch = epoch
            self.training = training
        }
    }

    /// Of the program that ran.
    public var version = Version.current
    /// `train`.
    public var command: String
    /// SHA-256 over weights, running statistics, momentum and recorded loss sums.
    public var digest: String
    /// The cells, as quark0/darts writes them.
    public var genotype: String
    /// As NAS-Bench-201 writes it; nil in other spaces.
    public var architecture: String?
    /// Trained parameters, without an auxiliary head.
    public var parameters: Int
    /// Of convolutions and classifier for one image, without an auxiliary head: what the field calls FLOPs.
    public var multiplyAdds: Int
    /// The network on all test images, with running statistics.
    public var test: Summary.Measure
    /// From the start of the run to the last step, data loading excluded.
    public var seconds: Double
    /// SHA-256 of the configuration: `Summary.digest(of:)`.
    public var configurationDigest: String
    /// `ImageDataset.digest` of the images used.
    public var datasetDigest: String
    /// Worker processes; 0 for a run in one process.
    public var workers: Int
    /// In order, from the first.
    public var epochs: [Epoch]
    /// What a distributed run had to cope with; nil for a run in one process.
    public var counters: ClusterCounters?

    /// - Throws: `ReportingError.write` when the configuration cannot be written as JSON.
    public init(
        command: String, outcome: SearchOutcome, network: FinalNetwork, test: LossSum, seconds: Double, workers: Int,
        epochs: [Summary.Epoch], counters: ClusterCounters?
    ) throws(ReportingError) {
        self.command = command
        digest = outcome.digest
        let cell = CellReport(network.genotype)
        genotype = cell.genotype
        architecture = cell.architecture
        parameters = network.parameterCount
        multiplyAdds = network.multiplyAdds
        self.test = Summary.Measure(test)
        self.seconds = seconds
        configurationDigest = try Summary.digest(of: outcome.configuration)
        datasetDigest = outcome.configuration.datasetDigest
        self.workers = workers
        self.epochs = epochs.map { Epoch(epoch: $0.epoch, training: $0.training) }
        self.counters = counters
    }

    enum CodingKeys: String, CodingKey {
        case version, command, digest, genotype, architecture, parameters, test, seconds, workers, epochs, counters
        case multiplyAdds = "multiply_adds"
        case configurationDigest = "configuration_digest"
        case datasetDigest = "dataset_digest"
    }
}

/// What `ostr evaluate` measured of a network.
public struct NetworkReport: Sendable, Codable, Equatable {
    /// The cells, as quark0/darts writes them.
    public var genotype: String
    /// As NAS-Bench-201 writes it; nil in other spaces.
    public var architecture: String?
    /// As `--dataset` names it.
    public var dataset: String
    /// Trained parameters, without an auxiliary head.
    public var parameters: Int
    /// Of convolutions and classifier for one image, without an auxiliary head: what the field calls FLOPs.
    public var multiplyAdds: Int
    /// On the test images, with running statistics.
    public var test: Summary.Measure

    /// - Parameter test: what `NetworkEvaluation.measure` gave.
    public init(_ network: FinalNetwork, dataset: String, test: LossSum) {
        let cell = CellReport(network.genotype)
        genotype = cell.genotype
        architecture = cell.architecture
        self.dataset = dataset
        parameters = network.parameterCount
        multiplyAdds = network.multiplyAdds
        self.test = Summary.Measure(test)
    }

    /// The same of a whole training.
    public init(_ summary: TrainingSummary, dataset: String) {
        genotype = summary.genotype
        architecture = summary.architecture
        self.dataset = dataset
        parameters = summary.parameters
        multiplyAdds = summary.multiplyAdds
        test = summary.test
    }

    /// As a person reads it.
    public func lines(_ frame: TextTable.Frame) -> [String] {
        var table = TextTable(header: ["", dataset])
        table.append(["test accuracy", SearchProgress.fixed(100 * test.accuracy, 2) + " %"])
        table.append(["test loss", SearchProgress.fixed(test.loss, 4)])
        table.append(["test images", Answer.grouped(test.images)])
        table.append(["parameters", SearchProgress.fixed(Double(parameters) / 1e6, 3) + " M"])
        table.append(["FLOPs (multiply-adds)", SearchProgress.fixed(Double(multiplyAdds) / 1e6, 2) + " M"])
        return table.lines(frame) + (architecture.map { ["Architecture  \($0)"] } ?? [])
            + ["Genotype      \(genotype)"]
    }

    enum CodingKeys: String, CodingKey {
        case genotype, architecture, dataset, parameters, test
        case multiplyAdds = "multiply_adds"
    }
}
