import ArgumentParser
import Reporting
import Supernet

/// `ostr query`: what the benchmark knows of one cell.
struct QueryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query",
        abstract: "Prints the true accuracies and ranks of a NAS-Bench-201 cell.",
        discussion: """
            The table of all 15,625 cells is inside the program. A cell is written as the benchmark writes it: for \
            each node, the operations on its incoming edges with the nodes they come from.

              ostr query '|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|'

            Operations: none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3.
            """)

    @Argument(help: ArgumentHelp("The cell, in quotes since | has a meaning to the shell.", valueName: "architecture"))
    var architecture: String

    @Flag(help: "Print one JSON object instead of a table.")
    var json = false

    mutating func run() throws {
        let cell = try CellReport(architecture: architecture)
        if json {
            try StandardOutput.print([try JSONLine.text(cell)])
        } else {
            try StandardOutput.print(Answer.lines(cell, space: .nasbench201, frame: StandardOutput.frame))
        }
    }
}
