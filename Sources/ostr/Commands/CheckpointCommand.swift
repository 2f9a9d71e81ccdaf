import ArgumentParser
import Checkpoint

/// `ostr checkpoint`: looks after what interrupted searches go on from.
struct CheckpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint", abstract: "Looks after checkpoints.", subcommands: [VerifyCommand.self])
}

/// `ostr checkpoint verify`: checks every file of a checkpoint.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Checks every file of a checkpoint against its manifest.",
        discussion: "Names the file at fault, what was expected and what was found (exit code 65).")

    @Argument(help: "A checkpoint's folder, or a run folder, whose newest checkpoint is checked then.")
    var path: String

    mutating func run() throws {
        let found = try CheckpointFolder.verify(path)
        try StandardOutput.print([
            "\(found.path): good: half-step \(found.halfSteps), \(found.evaluations) evaluations, \(found.files) files of "
                + "\(found.bytes) bytes, configuration \(found.configurationDigest)"
        ])
    }
}
