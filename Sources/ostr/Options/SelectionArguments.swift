import ArgumentParser
import Search

/// How the cell is chosen from the trained supernet.
struct SelectionArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Held-out images that strengths are measured on, cut to whole shards. (default: the alphas' whole half)",
            valueName: "n"))
    var strengthImages: Int?

    @Flag(help: "Measure every operation on every image, without dropping those that cannot win.")
    var fullTable = false

    mutating func validate() throws {
        try Check.positive(strengthImages, "--strength-images")
    }

    var options: SelectionOptions {
        var options = SelectionOptions()
        options.images = strengthImages
        options.fullTable = fullTable
        return options
    }
}
