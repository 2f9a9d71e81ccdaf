import ArgumentParser
import Checkpoint
import Datasets
import Foundation
import Logging
import Reporting
import Search
import Supernet

/// `ostr evaluate`: a trained network on the test images.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Prints a trained network's test accuracy, parameters and FLOPs.",
        discussion: """
            Takes the run folder of `ostr train`, or a safetensors file: ours, or one with the weights of AutoDL-Projects' or \
            quark0's networks, which does not say what it holds. FLOPs are multiply-adds of convolutions and classifier for one \
            image, as the field counts them; an auxiliary head counts neither here nor among the parameters.

              ostr evaluate runs/second
              ostr evaluate weights.safetensors --genotype genotype.txt --channels 36 --cells 20 --dataset cifar10
            """)

    @Argument(help: ArgumentHelp("A run folder of `ostr train`, or a file with weights.", valueName: "run|weights"))
    var path: String

    @Option(
        help: ArgumentHelp(
            "The cells: Genotype(...), NAS-Bench-201's string, or a file that has it. (default: as the file says)",
            valueName: "genotype"))
    var genotype: String?

    @Option(
        help: ArgumentHelp("The search space that the cells are of. (default: as the file says)", valueName: "space"))
    var space: SpaceArgument?

    @Option(help: ArgumentHelp("Channels of the first stage, C. (default: as the file says)", valueName: "n"))
    var channels: Int?

    @Option(
        help: ArgumentHelp(
            "Cells: of each stage in nasbench201, in all in others. (default: as the file says)", valueName: "n"))
    var cells: Int?

    @Option(help: ArgumentHelp("Data set. (default: as the file says, else cifar10)", valueName: "name"))
    var dataset: DatasetKind?

    @Option(
        help: ArgumentHelp(
            "Folder of the data set's files. (default: the run's; fashion-mnist "
                + "\(DatasetKind.fashionMNIST.defaultFolder), others data/NAME)",
            valueName: "folder"))
    var data: String?

    @Option(help: ArgumentHelp("Use the first so many test images. (default: all)", valueName: "n"))
    var images: Int?

    @Flag(help: "Print one JSON object instead of a table.")
    var json = false

    @OptionGroup(title: "Log") var log: LogOptions

    mutating func validate() throws {
        try Check.positive(images, "--images")
        try SupernetOptions.check(channels: channels, cells: cells)
    }

    mutating func run() throws {
        log.start()
        let source = try source()
        let images = try ImageDataset.load(kind: source.dataset, folder: source.data, split: .test, limit: self.images)
        let network = try FinalNetwork(
            source.genotype, shape: source.shape(images), shardImages: min(NetworkEvaluation.images, images.count))
        network.load(weights: try weights(source.file, for: network))
        let test = NetworkEvaluation.measure(network, on: images, showing: Program.console)
        let report = NetworkReport(network, dataset: source.dataset.rawValue, test: test)
        try StandardOutput.print(json ? [try JSONLine.text(report)] : report.lines(StandardOutput.frame))
    }

    /// What is evaluated, with what the command line says in the place of what the file does.
    private struct Source {
        let file: SafetensorsFile
        let genotype: Genotype
        let definition: SpaceDefinition?
        let channels: Int
        let cells: Int
        let dataset: DatasetKind
        let data: String

        func shape(_ images: ImageDataset) -> SupernetShape {
            SupernetShape(
                space: genotype.space.name, definition: definition, channels: channels, cells: cells,
                classes: images.classes, inputChannels: images.channels, imageSize: images.size)
        }
    }

    private func source() throws -> Source {
        var isFolder: ObjCBool = false
        let run: RunDescription?
        var file = path
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
            let folder = try RunFolder.complete(path)
            run = try folder.description()
            guard run?.configuration.network != nil else {
                throw Failure(
                    .data, "\(path): the run of a search; a network is trained by `ostr train --from \(path)`")
            }
            file = folder.file("network.safetensors")
        } else {
            run = nil
        }
        let weights = try SafetensorsFile(reading: file)
        let metadata = weights.metadata
        func missing(_ option: String) -> Failure {
            Failure(.usage, "\(path): the file does not say it: give \(option)")
        }
        let given = try space?.load()
        let definition = given?.definition ?? run?.configuration.supernet.definition
        let spaces: [SearchSpace]
        if let given {
            spaces = [given.space]
        } else if let run {
            spaces = [try SearchSpace.of(run.configuration.supernet)]
        } else if let name = metadata["space"] {
            spaces = try genotype == nil ? [SearchSpace.named(name)] : SearchSpace.all
        } else {
            spaces = SearchSpace.all
        }
        guard let text = genotype ?? metadata["genotype"] else { throw missing("--genotype") }
        guard let channels = channels ?? metadata["channels"].flatMap({ Int($0) }) else { throw missing("--channels") }
        guard let cells = cells ?? metadata["cells"].flatMap({ Int($0) }) else { throw missing("--cells") }
        let kind = dataset ?? metadata["dataset"].flatMap { DatasetKind(rawValue: $0) } ?? .cifar10
        let ownData = kind == run?.configuration.dataset ? run?.data : nil
        return Source(
            file: weights, genotype: try GenotypeInput.read(text, among: spaces), definition: definition,
            channels: channels,
            cells: cells, dataset: kind, data: data ?? ownData ?? kind.defaultFolder)
    }
}

extension EvaluateCommand {
    /// - Throws: what says how the file differs from what the network needs; each difference is an info of the log.
    private func weights(_ file: SafetensorsFile, for network: FinalNetwork) throws -> [Float] {
        do throws(CheckpointError) {
            return try NetworkFile.read(file, for: network)
        } catch {
            guard case .mismatch(let path, let mismatch) = error else { throw error }
            let logger = Logger(label: "ostr.evaluate")
            for line in mismatch.lines { logger.info("\(path): \(line)") }
            throw Failure(
                .data, mismatch.lines.count > 3 ? "\(error) (all of it: --log-level info)" : error.description)
        }
    }
}

extension NetworkEvaluation {
    /// As `measure`, with its progress on the console.
    static func measure(_ network: FinalNetwork, on dataset: ImageDataset, showing console: Console) -> LossSum {
        let start = ContinuousClock.now
        defer { console.clearStatus() }
        return measure(network, on: dataset) { done in
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            console.show(
                .init(
                    text: "testing  \(done)/\(dataset.count) images", fraction: Double(done) / Double(dataset.count),
                    remaining: seconds / Double(done) * Double(dataset.count - done), detail: ""), at: seconds)
        }
    }
}
