import Crypto
import Foundation
import Search

/// The version of the program.
public enum Version {
    /// As `--version` prints it.
    public static let current = "0.1.0"
}

/// `summary.json`: how a complete run ended.
public struct Summary: Sendable, Codable, Equatable {
    /// A mean loss (natural units), a share of correct predictions (0 ... 1) and the images they are over.
    public struct Measure: Sendable, Codable, Equatable {
        /// Mean cross-entropy, natural units.
        public var loss: Double
        /// Share of correct predictions, 0 ... 1.
        public var accuracy: Double
        /// That both are over.
        public var images: Int

        /// Means of a sum.
        public init(_ sum: LossSum) {
            loss = sum.mean
            accuracy = sum.accuracy
            images = sum.images
        }
    }

    /// Means over one epoch: of the batches that train weights, and of those that train alphas before their update.
    public struct Epoch: Sendable, Codable, Equatable {
        /// Counted from 1.
        public var epoch: Int
        /// Of the batches that train weights, before each update.
        public var training: Measure
        /// Of the batches that train alphas, before each update.
        public var validation: Measure

        /// All fields.
        public init(epoch: Int, training: Measure, validation: Measure) {
            self.epoch = epoch
            self.training = training
            self.validation = validation
        }
    }

    /// What a selection took.
    public struct Evaluations: Sendable, Codable, Equatable {
        /// That the choice looked at.
        public var used: Int
        /// Those of the full table, each operation on all images.
        public var fullTable: Int

        enum CodingKeys: String, CodingKey {
            case used
            case fullTable = "full_table"
        }
    }

    /// Of the program that ran.
    public var version = Version.current
    /// `search`, `coordinator` or `select`.
    public var command: String
    /// SHA-256 over weights, momentum, alphas, Adam's moments, recorded loss sums and decisions.
    public var digest: String
    /// The chosen cells, as quark0/darts writes them.
    public var genotype: String
    /// As NAS-Bench-201 writes it; nil in other spaces.
    public var architecture: String?
    /// The same of the cell with the largest β on each edge.
    public var magnitudeArchitecture: String?
    /// From the start of the run to the choice, data loading excluded.
    public var seconds: Double
    /// Held-out images that strength was measured on.
    public var strengthImages: Int
    /// Evaluations of a network on a shard.
    public var evaluations: Evaluations
    /// SHA-256 of the configuration: `digest(of:)`.
    public var configurationDigest: String
    /// `ImageDataset.digest` of the images used.
    public var datasetDigest: String
    /// Worker processes; 0 for a run in one process.
    public var workers: Int
    /// The supernet on the selection's images, before any decision.
    public var supernet: Measure
    /// In order, from the first.
    public var epochs: [Epoch]
    /// The chosen cell.
    public var strengthCell: CellReport
    /// The cell with the largest β on each edge, for comparison.
    public var magnitudeCell: CellReport
    /// What a distributed run had to cope with; nil for a run in one process.
    public var counters: ClusterCounters?

    /// - Throws: `ReportingError.write` when the configuration cannot be written as JSON.
    public init(
        command: String, outcome: SearchOutcome, seconds: Double, workers: Int, epochs: [Epoch],
        counters: ClusterCounters? = nil, strengthCell: CellReport, magnitudeCell: CellReport
    ) throws(ReportingError) {
        self.command = command
        self.counters = counters
        digest = outcome.digest
        genotype = strengthCell.genotype
        architecture = strengthCell.architecture
        magnitudeArchitecture = magnitudeCell.architecture
        self.seconds = seconds
        strengthImages = outcome.selection.images
        evaluations = Evaluations(
            used: outcome.selection.evaluations, fullTable: outcome.selection.fullTableEvaluations)
        configurationDigest = try Summary.digest(of: outcome.configuration)
        datasetDigest = outcome.configuration.datasetDigest
        self.workers = workers
        supernet = Measure(outcome.selection.supernet)
        self.epochs = epochs
        self.strengthCell = strengthCell
        self.magnitudeCell = magnitudeCell
    }

    /// SHA-256 of the configuration as one line of JSON with sorted keys, in hexadecimal.
    public static func digest(of configuration: SearchConfiguration) throws(ReportingError) -> String {
        do {
            let bytes = try RunFolder.encode(configuration, pretty: false)
            return SHA256.hash(data: bytes.dropLast()).map { hexadecimal($0) }.joined()
        } catch {
            throw .write(file: "summary.json", reason: "\(error)")
        }
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }

    enum CodingKeys: String, CodingKey {
        case version, command, digest, genotype, architecture, seconds, workers, supernet, epochs, counters
        case evaluations
        case magnitudeArchitecture = "magnitude_architecture"
        case strengthImages = "strength_images"
        case configurationDigest = "configuration_digest"
        case datasetDigest = "dataset_digest"
        case strengthCell = "strength_cell"
        case magnitudeCell = "magnitude_cell"
    }
}
