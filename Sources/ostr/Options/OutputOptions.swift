import ArgumentParser
import Reporting

/// Where a run is kept.
struct OutputOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The run folder, which must not exist. (default: runs/DATE-TIME-SPACE-DATASET)", valueName: "folder"))
    var output: String?

    func path(space: String, dataset: String) -> String {
        output ?? RunFolder.defaultPath(space: space, dataset: dataset)
    }

    mutating func validate() throws {
        if let output, output.isEmpty { throw ValidationError("--output is empty; give a folder's path.") }
    }
}
