import ArgumentParser
import Supernet

/// The shape of the supernet.
struct SupernetOptions: ParsableArguments {
    static let largestChannels = 4096
    static let largestCells = 1000

    @Option(
        help: ArgumentHelp(
            "Search space: nasbench201, darts, its restrictions s1 to s4, or a file that defines one (.yaml). (default: "
                + "nasbench201; of a trained supernet, that of its file)",
            valueName: "space"))
    var space: SpaceArgument?

    @Option(
        help: ArgumentHelp("Channels of the first stage, C. (default: demo 8, paper 16)", valueName: "n"))
    var channels: Int?

    @Option(
        help: ArgumentHelp(
            "Cells: of each stage, N, in nasbench201 (default: demo 1, paper 5); in all in others (default: demo 3, "
                + "paper 8 or as the file says).",
            valueName: "n"))
    var cells: Int?

    @OptionGroup var kernels: ConvolutionOptions

    mutating func validate() throws {
        try Self.check(channels: channels, cells: cells)
    }

    /// Refuses sizes that no supernet and no network has.
    static func check(channels: Int?, cells: Int?) throws {
        try Check.positive(channels, "--channels")
        try Check.atMost(largestChannels, channels, "--channels")
        try Check.positive(cells, "--cells")
        try Check.atMost(largestCells, cells, "--cells")
    }
}
