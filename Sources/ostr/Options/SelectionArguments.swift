import ArgumentParser
import Search
import Supernet

/// How the cell is chosen from the trained supernet.
struct SelectionArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Held-out images that strengths are measured on, cut to whole shards. (default: the alphas' whole half)",
            valueName: "n"))
    var strengthImages: Int?

    @Flag(help: "Measure every operation on every image, without dropping those that cannot win.")
    var fullTable = false

    @Option(
        help: ArgumentHelp(
            "How a node's two input edges are chosen in darts: strength (those without which the loss is largest), "
                + "magnitude (largest β, as DARTS) or all (every edge is kept). (default: strength)",
            valueName: "rule"))
    var edgeChoice: EdgeRule?

    mutating func validate() throws {
        try Check.positive(strengthImages, "--strength-images")
    }

    /// - Throws: `Failure` when edges are to be chosen in a space that keeps them all.
    func options(_ space: SearchSpace) throws(Failure) -> SelectionOptions {
        if let edgeChoice, space.keptInputs == nil {
            throw Failure(
                .usage,
                "--edge-choice \(edgeChoice.rawValue) is impossible in \(space.name): its nodes keep all of their edges"
            )
        }
        var options = SelectionOptions()
        if space.keptInputs != nil { options.edgeChoice = edgeChoice ?? .strength }
        options.images = strengthImages
        options.fullTable = fullTable
        return options
    }
}
