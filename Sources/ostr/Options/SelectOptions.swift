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
    var supernet: String

    @Option(
        help: ArgumentHelp(
            "Data set. (default: that in the file's metadata, else fashion-mnist)", valueName: "name"))
    var dataset: DatasetKind?

    @Option(
        help: ArgumentHelp(
            "Folder of the data set's files. (default: fashion-mnist \(DatasetKind.fashionMNIST.defaultFolder), others "
                + "data/NAME)",
            valueName: "folder"))
    var data: String?

    @Option(
        help: ArgumentHelp(
            "Use the first so many images; strengths are measured on their second half. (default: all)",
            valueName: "n"))
    var images: Int?

    @OptionGroup(title: "Supernet (default: the shape read off the file)") var shape: SupernetOptions
    @OptionGroup(title: "Batches") var batches: BatchOptions
    @OptionGroup(title: "Selection") var selection: SelectionArguments
    @OptionGroup(title: "Output") var output: OutputOptions
    @OptionGroup(title: "Log") var log: LogOptions

    mutating func validate() throws {
        try Check.positive(images, "--images")
    }

    /// The space as given, or read off the file.
    func space(of file: SafetensorsFile) -> String {
        shape.space?.rawValue ?? SupernetShape(of: file, imageSize: 32)?.space ?? SearchSpace.nasbench201.name
    }

    /// The shape that the file has to have: sizes as given, or read off the file; classes and colours as the images.
    func shape(of file: SafetensorsFile, images: ImageDataset) throws(Failure) -> SupernetShape {
        guard let found = SupernetShape(of: file, imageSize: images.size) else {
            throw Failure(
                .data,
                "\(supernet): not a supernet of a space known here (\(knownSpaces)): expected names such as "
                    + "`stem.0.weight`, `cells.0.edges.1<-0.2.op.1.weight` or `cells.0._ops.0._ops.4.op.1.weight`, and "
                    + "`classifier.weight`")
        }
        if let space = shape.space, found.space != space.rawValue {
            throw Failure(
                .data, "\(supernet): a supernet of the space `\(found.space)`; expected \(space.rawValue)")
        }
        return SupernetShape(
            space: found.space, channels: shape.channels ?? found.channels, cells: shape.cells ?? found.cells,
            classes: images.classes, inputChannels: images.channels, imageSize: images.size)
    }

    private var knownSpaces: String { SpaceName.allCases.map(\.rawValue).joined(separator: ", ") }
}
