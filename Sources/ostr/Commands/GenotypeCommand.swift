import ArgumentParser
import NASBench201
import Reporting
import Supernet

/// `ostr genotype`: reads a cell in any form and writes it in another.
struct GenotypeCommand: ParsableCommand {
    /// What is written.
    enum Form: String, CaseIterable, ExpressibleByArgument {
        case genotype, nasbench201, dot, svg
    }

    static let configuration = CommandConfiguration(
        commandName: "genotype",
        abstract: "Checks a genotype and writes it as text, as a graph or as a picture.",
        discussion: """
            Reads what ostr and quark0's DARTS code write (Genotype(normal=[...], ...)) and NAS-Bench-201's strings. The \
            text is parsed, never evaluated.

              ostr genotype runs/first/genotype.txt --form svg > cell.svg
              ostr genotype runs/first/genotype.txt --form dot | dot -Tpdf > cell.pdf
              ostr genotype "Genotype(cell=[[('skip_connect', 0)], ...])" --form nasbench201
            """)

    @Argument(help: ArgumentHelp("The genotype, a file that has it, or - for standard input.", valueName: "genotype"))
    var input: String

    @Option(
        help: ArgumentHelp(
            "What is written: genotype (as quark0's code reads it), nasbench201 (the benchmark's string), dot (for "
                + "Graphviz) or svg.",
            valueName: "form"))
    var form: Form = .genotype

    @Option(
        help: ArgumentHelp(
            "The search space that the cell has to be of. (default: nasbench201 or darts, as its parts are named)",
            valueName: "space"))
    var space: SpaceArgument?

    mutating func run() throws {
        let spaces = try space.map { [try $0.load().space] } ?? SearchSpace.all
        let genotype = try GenotypeInput.read(input, among: spaces)
        switch form {
        case .genotype: try StandardOutput.print([genotype.description])
        case .nasbench201:
            guard genotype.space == .nasbench201,
                let architecture = Architecture(operations: genotype.operations.map { $0 ?? 0 })
            else {
                throw Failure(.usage, "a cell of \(genotype.space.name) has no string of NAS-Bench-201")
            }
            try StandardOutput.print([architecture.description])
        case .dot: try StandardOutput.print([String(genotype.dot.dropLast())])
        case .svg: try StandardOutput.print([String(genotype.svg.dropLast())])
        }
    }
}
