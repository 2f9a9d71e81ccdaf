import ArgumentParser
import Datasets
import Reporting
import Search
import Supernet

/// All that determines the training of a network.
struct TrainOptions: ParsableArguments {
    @OptionGroup(title: "Network") var network: TrainedNetworkOptions
    @OptionGroup(title: "Images") var images: TrainImageOptions
    @OptionGroup(title: "Training") var training: NetworkTrainingOptions
    @OptionGroup(title: "Checkpoints") var checkpoints: CheckpointOptions
    @OptionGroup(title: "Output") var output: OutputOptions
    @OptionGroup(title: "Log") var log: LogOptions
}

/// Which cells, and the network around them.
struct TrainedNetworkOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The cells: Genotype(...) or NAS-Bench-201's string, a file that has it, or - for standard input.",
            valueName: "genotype"))
    var genotype: String?

    @Option(help: ArgumentHelp("The cell as NAS-Bench-201 writes it.", valueName: "string"))
    var architecture: String?

    @Option(
        name: .customLong("from"),
        help: ArgumentHelp("The cells that the finished search in this run folder chose.", valueName: "run"))
    var run: String?

    @Option(
        help: ArgumentHelp(
            "The search space that the cells are of. (default: nasbench201 or darts, as their parts are named; that of "
                + "--from)",
            valueName: "space"))
    var space: SpaceArgument?

    @Option(
        help: ArgumentHelp(
            "How it is trained: small (minutes on 2 cores), nasbench201 (as the benchmark: 200 epochs, N=5, C=16) or "
                + "darts (as DARTS: 600 epochs, 20 cells, C=36, cutout, scheduled drop path, auxiliary head). Other options "
                + "override it.",
            valueName: "name"))
    var recipe: Recipe.Name = .small

    @Option(
        help: ArgumentHelp(
            "Channels of the first stage, C. (default: small 8, nasbench201 16, darts 36)", valueName: "n"))
    var channels: Int?

    @Option(
        help: ArgumentHelp(
            "Cells: of each stage, N, in nasbench201 (default: small 1, nasbench201 5); in all in others (default: small "
                + "5, darts 20).",
            valueName: "n"))
    var cells: Int?

    @OptionGroup var kernels: ConvolutionOptions

    mutating func validate() throws {
        try SupernetOptions.check(channels: channels, cells: cells)
    }

    /// The cells, and the definition of their space where it is not built in.
    func load() throws -> (genotype: Genotype, definition: SpaceDefinition?) {
        guard [genotype, architecture, run].count(where: { $0 != nil }) == 1 else {
            throw Failure(
                .usage, "which cells are trained? Give one of --genotype, --architecture and --from (or --resume).")
        }
        let given = try space?.load()
        if let run {
            let folder = try RunFolder.complete(run)
            let configuration = try folder.description().configuration
            let space = try SearchSpace.of(configuration.supernet)
            if let given, given.space != space {
                throw Failure(.usage, "\(run): a search in the space \(space.name), not \(given.space.name)")
            }
            return (
                try GenotypeInput.read(folder.file("genotype.txt"), among: [space]),
                configuration.supernet.definition
            )
        }
        let spaces = given.map { [$0.space] } ?? SearchSpace.all
        if let architecture {
            return (
                try GenotypeInput.read(architecture.hasPrefix("|") ? architecture : "|" + architecture, among: spaces),
                nil
            )
        }
        return (try GenotypeInput.read(genotype ?? "", among: spaces), given?.definition)
    }
}

/// Which images are used.
struct TrainImageOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Data set. (default: small fashion-mnist, nasbench201 and darts cifar10)", valueName: "name"))
    var dataset: DatasetKind?

    @OptionGroup var place: DataOptions

    @Option(
        help: ArgumentHelp(
            "Train on the first so many images. (default: small 10000, others all)", valueName: "n"))
    var images: Int?

    mutating func validate() throws {
        try Check.positive(images, "--images")
    }
}

/// How the network is trained.
struct NetworkTrainingOptions: ParsableArguments {
    @OptionGroup var draws: SeedOptions
    @OptionGroup var weights: WeightsOptions

    @Option(
        help: ArgumentHelp(
            "Passes over the images. (default: small 10, darts' spaces 5; nasbench201 200, darts 600)", valueName: "n"))
    var epochs: Int?

    @Option(
        help: ArgumentHelp("Images of one step, B. (default: small 64, nasbench201 256, darts 96)", valueName: "n"))
    var batch: Int?

    @Option(
        help: ArgumentHelp(
            "Shards that a batch is cut into: a power of two that divides the batch. In training batch normalisation uses "
                + "its shard's statistics. (default: at most 32 images a shard)",
            valueName: "n"))
    var shards: Int?

    @Option(
        help: ArgumentHelp(
            "Learning rate at the beginning; it falls along a cosine. (default: small and nasbench201 0.1, small in "
                + "darts' spaces 0.05, darts 0.025)", valueName: "x"))
    var learningRate: Double?

    @Option(help: ArgumentHelp("Learning rate at the end.", valueName: "x"))
    var learningRateEnd = 0.0

    @Option(
        help: ArgumentHelp(
            "Largest norm of the gradient; 0 for no limit. (default: nasbench201 0, darts' spaces 5)", valueName: "x"))
    var clip: Double?

    @Option(
        help: ArgumentHelp(
            "Pixels a side of the square that is blanked out of each training image; 0 for none. (default: darts 16, "
                + "others 0)",
            valueName: "n"))
    var cutout: Int?

    @Option(
        help: ArgumentHelp(
            "The chance that an edge's value is dropped, which rises from 0 towards this. (default: darts 0.2, others 0)",
            valueName: "x"))
    var dropPath: Double?

    @Option(
        help: ArgumentHelp(
            "Weight of the auxiliary head's loss; 0 for no such head. (default: darts 0.4, others 0)", valueName: "x"))
    var auxiliary: Double?

    mutating func validate() throws {
        try Check.notNegative(epochs, "--epochs")
        try Check.atMost(TrainingOptions.largestEpochs, epochs, "--epochs")
        try Check.positive(batch, "--batch")
        try Check.atMost(BatchOptions.largestBatch, batch, "--batch")
        try Check.positive(shards, "--shards")
        try Check.notNegative(learningRate, "--learning-rate")
        try Check.notNegative(learningRateEnd, "--learning-rate-end")
        try Check.notNegative(clip, "--clip")
        try Check.notNegative(cutout, "--cutout")
        try Check.notNegative(auxiliary, "--auxiliary")
        if let dropPath, !(0..<1).contains(dropPath) {
            throw ValidationError("--drop-path \(dropPath) is impossible; it must be at least 0 and below 1.")
        }
    }

    /// The shard count: as given, or the fewest that leave a shard small enough.
    func shardCount(batch: Int) throws(Failure) -> Int {
        if let shards {
            if let refusal = BatchOptions.refusal(ofShards: shards, batch: batch) { throw Failure(.usage, refusal) }
            return shards
        }
        let allowed = BatchOptions.allowed(batch: batch)
        return allowed.first { batch / $0 <= Recipe.shardImages } ?? allowed.last ?? 1
    }

    func apply(to configuration: inout SearchConfiguration, _ recipe: Recipe) {
        configuration.augment = !weights.noAugment
        configuration.weights = recipe.weights
        configuration.weights.learningRate = learningRate ?? recipe.weights.learningRate
        configuration.weights.minimumLearningRate = learningRateEnd
        configuration.weights.momentum = weights.momentum
        configuration.weights.weightDecay = weights.weightDecay ?? recipe.weights.weightDecay
        configuration.weights.clip = clip ?? recipe.weights.clip
        configuration.network?.auxiliaryWeight = auxiliary ?? recipe.auxiliaryWeight
        configuration.network?.dropPath = dropPath ?? recipe.dropPath
        configuration.network?.cutout = cutout ?? recipe.cutout
    }
}
