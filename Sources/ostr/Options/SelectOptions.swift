import ArgumentParser
import Checkpoint
import Datasets
import Supernet

/// All that determines a selection from a trained supernet.
struct SelectOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The trained supernet: supernet.safetensors of a run folder, or one saved by PyTorch's public code.",
            valueName: "file"))
    var supernet: String?

    @Option(
        help: ArgumentHelp(
            "A safetensors file with the alphas, where the supernet's has none, as with quark0's code.",
            valueName: "file"))
    var alphas: String?

    @Option(
        help: ArgumentHelp(
            "Data set. (default: that in the file's metadata, else fashion-mnist)", valueName: "name"))
    var dataset: DatasetKind?

    @OptionGroup var place: DataOptions

    @Option(
        help: ArgumentHelp(
            "Use the first so many images; strengths are measured on their second half. (default: all)",
            valueName: "n"))
    var images: Int?

    @OptionGroup(title: "Supernet (default: the shape read off the file)") var shape: SupernetOptions
    @OptionGroup(title: "Batches") var batches: BatchOptions
    @OptionGroup(title: "Selection") var selection: SelectionArguments
    @OptionGroup(title: "Checkpoints") var checkpoints: CheckpointOptions
    @OptionGroup(title: "Output") var output: OutputOptions
    @OptionGroup(title: "Log") var log: LogOptions

    mutating func validate() throws {
        try Check.positive(images, "--images")
    }

    /// The space's name as given, or read off the file.
    func space(of file: SafetensorsFile, _ given: SpaceArgument.Loaded?) -> String {
        given?.space.name ?? SupernetShape(of: file, imageSize: 32)?.space ?? SearchSpace.nasbench201.name
    }

    /// The shape that the file has to have: sizes as given, or read off the file; classes and colours as the images.
    ///
    /// - Parameter given: the space that the user named.
    func shape(
        of file: SafetensorsFile, _ given: SpaceArgument.Loaded?, images: ImageDataset
    ) throws(Failure) -> SupernetShape {
        guard let found = SupernetShape(of: file, imageSize: images.size, stemMultiplier: given?.stemMultiplier ?? 3)
        else {
            throw Failure(
                .data,
                "\(file.path): not a supernet of a space known here (\(knownSpaces)): expected names such as "
                    + "`stem.0.weight`, `cells.0.edges.1<-0.2.op.1.weight` or `cells.0._ops.0._ops.4.op.1.weight`, and "
                    + "`classifier.weight`")
        }
        if let given {
            // The public code's files do not name their space: only the skeleton can be told.
            let isNamed = file.metadata["space"] != nil
            let fits =
                isNamed
                ? found.space == given.space.name
                : (found.space == SearchSpace.nasbench201.name) == (given.space.skeleton == .nasbench201)
            guard fits else {
                throw Failure(
                    .data, "\(file.path): a supernet of the space `\(found.space)`; expected \(given.space.name)")
            }
        } else if !SearchSpace.all.contains(where: { $0.name == found.space }) {
            throw Failure(
                .usage,
                "\(file.path): a supernet of the space `\(found.space)`, which is not built in; give the file that "
                    + "defines it with --space")
        }
        return SupernetShape(
            space: given?.space.name ?? found.space, definition: given?.definition,
            channels: shape.channels ?? found.channels, cells: shape.cells ?? found.cells, classes: images.classes,
            inputChannels: images.channels, imageSize: images.size)
    }

    private var knownSpaces: String { SpaceName.allCases.map(\.rawValue).joined(separator: ", ") }
}
