import ArgumentParser
import Checkpoint
import Datasets
import Foundation
import ONNX
import Reporting
import Search
import Supernet

/// `ostr export`: the network of the chosen cells, with the supernet's weights, for other programs.
struct ExportCommand: ParsableCommand {
    /// How a file is written, by the end of its name.
    private enum Form: String {
        case onnx, safetensors

        init?(_ file: String) { self.init(rawValue: URL(fileURLWithPath: file).pathExtension) }
    }

    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes the network of the chosen cells as ONNX or safetensors.",
        discussion: """
            Of a search, the network has the supernet's weights, and every edge its one operation, with weight 1. It \
            normalises batches by their own statistics, as the supernet does, so logits depend on the images that come in \
            together. Of a run of `ostr train` it is the trained network, with running statistics.

              ostr export runs/first --output cell.onnx
              ostr export runs/trained --output network.onnx
              ostr export runs/first --output cell.onnx --output cell.safetensors
              ostr export --supernet torch.safetensors --genotype genotype.txt --image-size 32 --output cell.onnx
            """)

    @Argument(help: ArgumentHelp("The folder of a complete run.", valueName: "run"))
    var source: String?

    @Option(
        help: ArgumentHelp(
            "A file that is written: ONNX if its name ends in .onnx, .safetensors for the weights alone. May be given more "
                + "than once.",
            valueName: "file"))
    var output: [String]

    @Option(
        help: ArgumentHelp(
            "The genotype, a file that has it, or - for standard input. (default: the run's)", valueName: "genotype"))
    var genotype: String?

    @Option(
        help: ArgumentHelp("The trained supernet. (default: the run's supernet.safetensors)", valueName: "file"))
    var supernet: String?

    @Option(
        help: ArgumentHelp(
            "The supernet's search space. (default: the run's, or as the file says)", valueName: "space"))
    var space: SpaceArgument?

    @Option(
        help: ArgumentHelp(
            "Height and width of the images, where the supernet's file does not tell.", valueName: "pixels"))
    var imageSize: Int?

    mutating func validate() throws {
        if source == nil, supernet == nil || genotype == nil {
            throw ValidationError("Give a run folder, or both --supernet and --genotype.")
        }
        if source != nil, space != nil || imageSize != nil {
            throw ValidationError("--space and --image-size are those of the run; leave them out.")
        }
        if let imageSize, !(4...1024).contains(imageSize) {
            throw ValidationError("--image-size \(imageSize) is impossible; it must be 4 to 1024.")
        }
        for file in output where Form(file) == nil {
            throw ValidationError("--output \(file): its name must end in .onnx or .safetensors.")
        }
    }

    mutating func run() throws {
        for file in output where FileManager.default.fileExists(atPath: file) {
            throw Failure(.cannotCreate, "\(file) exists already; give another with --output, or move it away")
        }
        let network = try network()
        let (genotype, tensors, shape) = (network.genotype, network.tensors, network.shape)
        let metadata = Self.metadata(of: network.metadata)
        let exported = try ONNXNetwork(
            genotype, shape: shape, tensors: tensors, producer: "ostr \(Version.current)", metadata: metadata)
        for file in output {
            switch Form(file) {
            case .onnx: try AtomicFile.write([exported.bytes[...]], to: file)
            default:
                var weights = SafetensorsFile(
                    metadata: metadata.merging(shape.metadata) { $1 }.merging(["genotype": genotype.description]) { $1 }
                )
                for name in exported.tensorNames {
                    weights.tensors[name] = tensors[name].map { .init(floats: $0.values, shape: $0.shape) }
                }
                try weights.write(to: file)
            }
        }
        let count = exported.tensorNames.reduce(0) { $0 + (tensors[$1]?.values.count ?? 0) }
        try StandardOutput.print(
            output.map { file in
                (Form(file) == .onnx ? "\(file): ONNX, opset \(ONNXNetwork.opset)" : "\(file): safetensors")
                    + ", \(exported.tensorNames.count) tensors, \(Answer.grouped(count)) weights"
            })
    }

    /// What is written.
    private struct Network {
        let genotype: Genotype
        let shape: SupernetShape
        let tensors: NetworkTensors
        /// Of the file with its weights.
        let metadata: [String: String]
    }

    private func network() throws -> Network {
        let folder = try source.map { path throws(ReportingError) in try RunFolder.complete(path) }
        let configuration = try folder?.description().configuration
        if let folder, let configuration, let trained = try configuration.genotype() {
            guard supernet == nil, genotype == nil else {
                throw Failure(
                    .usage,
                    "\(folder.path) has a trained network with cells of its own: leave out --supernet and --genotype")
            }
            let network = try FinalNetwork(trained, shape: configuration.supernet, shardImages: 1)
            let file = try SafetensorsFile(reading: folder.file("network.safetensors"))
            return Network(
                genotype: trained, shape: configuration.supernet,
                tensors: NetworkTensors(network.parameters, values: try NetworkFile.read(file, for: network)),
                metadata: file.metadata)
        }
        let file = try SafetensorsFile(reading: supernet ?? folder?.file("supernet.safetensors") ?? "")
        let shape = try configuration?.supernet ?? shape(of: file)
        let network = try Supernet(shape: shape, shardImages: 1)
        let genotype = try GenotypeInput.read(
            genotype ?? folder?.file("genotype.txt") ?? "", among: [network.space])
        let content = try SupernetFile.read(file, weights: network.parameters, alphas: ParameterDirectory())
        return Network(
            genotype: genotype, shape: shape,
            tensors: NetworkTensors(network.parameters, values: content.weights), metadata: content.metadata)
    }

    private func shape(of file: SafetensorsFile) throws -> SupernetShape {
        let given = try space?.load()
        guard let size = imageSize ?? file.metadata["size"].flatMap({ Int($0) }) else {
            throw Failure(.usage, "\(file.path) does not tell the images' size; give --image-size")
        }
        guard var shape = SupernetShape(of: file, imageSize: size, stemMultiplier: given?.stemMultiplier ?? 3) else {
            throw Failure(.data, "\(file.path): not a supernet of a space known here")
        }
        shape.imageSize = size
        if let given {
            shape.space = given.space.name
            shape.definition = given.definition
        }
        return shape
    }

    /// What a user of the network has to know, and what is known of its training.
    private static func metadata(of file: [String: String]) -> [String: String] {
        var metadata = file.filter { ["dataset", "seed", "epochs"].contains($0.key) }
        if let kind = metadata["dataset"].flatMap({ DatasetKind(rawValue: $0) }) {
            let normalization = Normalization.usual(for: kind)
            metadata["mean"] = normalization.mean.map { "\($0)" }.joined(separator: " ")
            metadata["standard_deviation"] = normalization.standardDeviation.map { "\($0)" }.joined(separator: " ")
        }
        return metadata
    }
}
