import ArgumentParser
import Supernet

/// The shape of the supernet.
struct SupernetOptions: ParsableArguments {
    static let largestChannels = 4096
    static let largestCells = 1000

    @Option(help: ArgumentHelp("Search space.", valueName: "name"))
    var space: SpaceName = .nasbench201

    @Option(
        help: ArgumentHelp("Channels of the first stage, C. (default: demo 8, paper 16)", valueName: "n"))
    var channels: Int?

    @Option(help: ArgumentHelp("Cells of each stage, N. (default: demo 1, paper 5)", valueName: "n"))
    var cells: Int?

    @Option(
        help: ArgumentHelp(
            "How 3x3 convolutions are computed: direct, winograd (a quarter of the multiplications, errors of about "
                + "1e-5), or auto: winograd where it is faster. Part of what the numbers depend on.",
            valueName: "name"))
    var convolution: ConvolutionAlgorithm = .auto

    mutating func validate() throws {
        try Check.positive(channels, "--channels")
        try Check.atMost(Self.largestChannels, channels, "--channels")
        try Check.positive(cells, "--cells")
        try Check.atMost(Self.largestCells, cells, "--cells")
    }
}
