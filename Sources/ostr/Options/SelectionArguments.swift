import ArgumentParser
import Search

/// How the cell is chosen from the trained supernet.
struct SelectionArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Held-out images that strengths are measured on, cut to whole shards. "
                + "(default: demo 1024, paper the alphas' whole half)",
            valueName: "n"))
    var strengthImages: Int?

    @Flag(help: "Measure every operation on every image, without dropping those that cannot win.")
    var fullTable = false

    mutating func validate() throws {
        try Check.positive(strengthImages, "--strength-images")
    }

    /// - Parameters:
    ///   - preset: what a preset uses at most, when nothing was asked for.
    ///   - imageCount: images of the run; half of them, rounded up, are held out.
    func options(preset: Int?, of imageCount: Int) -> SelectionOptions {
        var options = SelectionOptions()
        options.images = strengthImages ?? preset.flatMap { $0 < imageCount - imageCount / 2 ? $0 : nil }
        options.fullTable = fullTable
        return options
    }
}
