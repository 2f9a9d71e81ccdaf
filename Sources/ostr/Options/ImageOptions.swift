import ArgumentParser
import Datasets

/// Which images are used.
struct ImageOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Data set. (default: demo fashion-mnist, paper cifar10)", valueName: "name"))
    var dataset: DatasetKind?

    @OptionGroup var place: DataOptions

    @Option(
        help: ArgumentHelp(
            "Use the first so many images; half train weights, half alphas. (default: demo 10000, paper all)",
            valueName: "n"))
    var images: Int?

    func kind(_ preset: Preset) -> DatasetKind { dataset ?? preset.dataset }

    mutating func validate() throws {
        try Check.positive(images, "--images")
    }
}
