import ArgumentParser
import Reporting
import Search

/// `ostr study`: calculations behind the method, on examples small enough to be looked through.
struct StudyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "study", abstract: "Checks a calculation behind the method on a small example.",
        subcommands: [Proposition1Command.self])
}

/// `ostr study proposition1`.
struct Proposition1Command: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "proposition1",
        abstract:
            "The betas of a skip connection and a convolution that bring a mixture nearest to the optimal feature map.",
        discussion: """
            A toy cell has one edge with a skip connection and a convolution, whose output gets ever farther from the \
            optimal feature map m*. The beta of the skip connection that makes var(mixture - m*) smallest is searched \
            for numerically, and stands beside the closed form behind Proposition 1 (docs/criteria.md, which also tells \
            what this does not show). Nothing is trained.

              ostr study proposition1
              ostr study proposition1 --seed 3 --output proposition1
            """)

    @Option(help: ArgumentHelp("Seed of every random draw, 0 or more.", valueName: "n"))
    var seed: UInt64 = 0

    @Option(
        help: ArgumentHelp(
            "A folder, which must not exist, for proposition1.csv and the plot proposition1.svg.", valueName: "folder"))
    var output: String?

    mutating func run() throws {
        let folder = try output.map { path throws(ReportingError) in try RunFolder.create(path) }
        let report = Proposition1Report(Proposition1(seed: seed))
        if let folder {
            try folder.write("proposition1.csv", report.csv)
            try folder.write("proposition1.svg", report.svg)
        }
        try StandardOutput.print(
            report.lines(StandardOutput.frame)
                + [
                    "The skip connection's beta is above one half where var(o - m*) > var(x - m*): where the convolution's "
                        + "output is farther from m* than the skip connection's."
                ] + (folder.map { ["Written to    \($0.path)"] } ?? []))
    }
}
