import ArgumentParser

/// All that determines a search.
struct SearchOptions: ParsableArguments {
    @OptionGroup(title: "Search") var beginning: BeginningOptions
    @OptionGroup(title: "Images") var images: ImageOptions
    @OptionGroup(title: "Supernet") var supernet: SupernetOptions
    @OptionGroup(title: "Training") var training: TrainingOptions
    @OptionGroup(title: "Batches") var batches: BatchOptions
    @OptionGroup(title: "Selection") var selection: SelectionArguments
    @OptionGroup(title: "Checkpoints") var checkpoints: CheckpointOptions
    @OptionGroup(title: "Output") var output: OutputOptions
    @OptionGroup(title: "Log") var log: LogOptions
}

/// What a search begins with.
struct BeginningOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Values to begin with: demo (a few minutes on 2 cores) or paper (the published size: days on 2 cores). "
                + "Other options override it.",
            valueName: "name"))
    var preset: Preset.Name = .demo

    @OptionGroup var draws: SeedOptions
}
