import ArgumentParser

/// How a search can go on after it was interrupted.
struct CheckpointOptions: ParsableArguments {
    /// What to do when a checkpoint cannot be written.
    enum SaveError: String, CaseIterable, ExpressibleByArgument {
        case goOn = "go-on"
        case stop
    }

    @Option(
        help: ArgumentHelp(
            "Go on with the interrupted run in this folder, from its newest checkpoint. All options of the search are "
                + "the run's; only those of workers and network count.",
            valueName: "run"))
    var resume: String?

    @Option(help: ArgumentHelp("Steps between two checkpoints; 0 for none.", valueName: "n"))
    var checkpointEvery = 100

    @Option(
        help: ArgumentHelp(
            "When a checkpoint cannot be written: go-on without it, or stop. The one before is kept.",
            valueName: "what"))
    var onSaveError: SaveError = .goOn

    mutating func validate() throws {
        try Check.notNegative(checkpointEvery, "--checkpoint-every")
        if let resume, resume.isEmpty { throw ValidationError("--resume is empty; give a run folder.") }
    }
}
