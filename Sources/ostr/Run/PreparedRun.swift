import Checkpoint
import Datasets
import Protocol
import Reporting
import Search
import Supernet

/// A search, a selection alone or a training whose configuration, images, weights and place for results are known to be good. Nothing is written yet.
struct PreparedRun {
    let configuration: SearchConfiguration
    let imageCount: Int
    let dataFolder: String
    /// The run folder to be.
    let output: String
    let preset: String?
    /// The file that a trained supernet came from, where there is a selection alone.
    var supernetFile: String?
    /// Steps between two checkpoints; 0 for none.
    var checkpointEvery = 0
    var onSaveError = CheckpointOptions.SaveError.goOn
    var onNonFinite = CoordinatorMachine.NonFinitePolicy.stop
    /// Where the run was when it was interrupted, if it goes on; of a selection alone also its beginning.
    var resume: SearchState?
    /// Worker processes that the run had before it was interrupted.
    var formerWorkers: Int?
    /// Whether the run folder is there and the run goes on in it.
    var resumes: Bool { formerWorkers != nil }
    /// Epochs that the supernet has been trained for when strengths are measured; nil where a file does not tell.
    let trainedEpochs: Int?

    /// A search from the beginning.
    ///
    /// - Parameter workersHere: worker processes on this machine, whose memory is checked.
    /// - Throws: what says which value, file or folder is wrong, in this order: output, images, sizes.
    init(_ options: SearchOptions, workersHere: Int) throws {
        let loaded = try (options.supernet.space ?? .nasbench201).load()
        let preset = Preset(options.beginning.preset, loaded.space)
        let kind = options.images.kind(preset)
        let space = loaded.space.name
        let selection = try options.selection.options(loaded.space)
        output = options.output.path(space: space, dataset: kind.rawValue)
        try RunFolder.requireCreatable(output)
        dataFolder = options.images.place.folder(kind)
        let images = try LoadedImages(
            kind, folder: dataFolder, limit: options.images.images, presetLimit: preset.images)
        var configuration = SearchConfiguration(
            supernet: SupernetShape(
                space: space, definition: loaded.definition,
                channels: options.supernet.channels ?? preset.channels,
                cells: options.supernet.cells ?? preset.cells, classes: images.dataset.classes,
                inputChannels: images.dataset.channels, imageSize: images.dataset.size),
            dataset: kind, images: images.limit, datasetDigest: images.dataset.digest,
            epochs: options.training.epochs ?? preset.epochs, batch: options.batches.batch,
            shards: options.batches.shardCount, seed: options.beginning.draws.seed)
        try MemoryNeed.check(
            configuration.supernet, shardImages: configuration.shardImages, processes: max(workersHere, 1))
        configuration.convolution = options.supernet.kernels.convolution
        options.training.apply(to: &configuration, preset)
        configuration.selection = selection
        try configuration.validate(imageCount: images.dataset.count)
        self.configuration = configuration
        imageCount = images.dataset.count
        trainedEpochs = configuration.epochs
        self.preset = options.beginning.preset.rawValue
        checkpointEvery = options.checkpoints.checkpointEvery
        onSaveError = options.checkpoints.onSaveError
        onNonFinite = options.training.weights.onNonFinite
    }

    /// The training of a network from the beginning.
    ///
    /// - Parameter workersHere: worker processes on this machine, whose memory is checked; nil for one a core.
    /// - Throws: what says which value, file or folder is wrong, in this order: cells, output, images, sizes.
    init(_ options: TrainOptions, workersHere: Int?) throws {
        let (genotype, definition) = try options.network.load()
        let recipe = try Recipe(options.network.recipe, genotype.space)
        let kind = options.images.dataset ?? recipe.dataset
        output = options.output.path(space: genotype.space.name + "-network", dataset: kind.rawValue)
        try RunFolder.requireCreatable(output)
        dataFolder = options.images.place.folder(kind)
        let images = try LoadedImages(
            kind, folder: dataFolder, limit: options.images.images, presetLimit: recipe.images)
        let batch = options.training.batch ?? recipe.batch
        let shards = try options.training.shardCount(batch: batch)
        var configuration = SearchConfiguration(
            supernet: SupernetShape(
                space: genotype.space.name, definition: definition,
                channels: options.network.channels ?? recipe.channels, cells: options.network.cells ?? recipe.cells,
                classes: images.dataset.classes, inputChannels: images.dataset.channels,
                imageSize: images.dataset.size),
            dataset: kind, images: images.limit, datasetDigest: images.dataset.digest,
            epochs: options.training.epochs ?? recipe.epochs, batch: batch, shards: shards,
            seed: options.training.draws.seed)
        configuration.network = NetworkTraining(genotype: genotype.description)
        configuration.convolution = options.network.kernels.convolution
        options.training.apply(to: &configuration, recipe)
        try MemoryNeed.check(
            configuration.supernet, isNetwork: true, shardImages: configuration.shardImages,
            processes: workersHere ?? WorkerCount.automatic(shards: shards))
        try configuration.validate(imageCount: images.dataset.count)
        self.configuration = configuration
        imageCount = images.dataset.count
        trainedEpochs = configuration.epochs
        preset = options.network.recipe.rawValue
        checkpointEvery = options.checkpoints.checkpointEvery
        onSaveError = options.checkpoints.onSaveError
        onNonFinite = options.training.weights.onNonFinite
        // Missing test images are better found now than when all is trained.
        _ = try loadTestImages()
    }

    /// What a run does.
    enum Kind {
        case search, selection, training

        init(_ description: RunDescription) {
            self =
                description.configuration.network != nil
                ? .training : description.supernet != nil ? .selection : .search
        }

        /// What it is, and the command that goes on with it.
        fileprivate var names: (run: String, command: String) {
            switch self {
            case .search: ("a search", "search")
            case .selection: ("a selection alone", "select")
            case .training: ("the training of a network", "train")
            }
        }
    }

    /// A run that was interrupted, from its newest checkpoint. Prints a warning for each one that cannot be used.
    ///
    /// - Parameter kind: which is expected.
    /// - Throws: what says why the run cannot go on.
    init(resuming run: String, as kind: Kind = .search, onSaveError: CheckpointOptions.SaveError) throws {
        let folder = try RunFolder.open(run)
        let description = try folder.description()
        let found = Kind(description)
        guard found == kind else {
            throw Failure(
                .usage,
                "the run in \(run) is \(found.names.run); go on with it by `ostr \(found.names.command) --resume`")
        }
        output = run
        supernetFile = description.supernet
        configuration = description.configuration
        dataFolder = description.data
        preset = description.preset
        trainedEpochs = kind == .selection ? description.supernetEpochs : configuration.epochs
        checkpointEvery = description.checkpointEvery
        formerWorkers = description.workers
        self.onSaveError = onSaveError
        onNonFinite = CoordinatorMachine.NonFinitePolicy(rawValue: description.onNonFinite) ?? .stop
        let dataset = try ImageDataset.load(
            kind: configuration.dataset, folder: dataFolder, split: .training, limit: configuration.images)
        guard dataset.digest == configuration.datasetDigest else {
            throw Failure(
                .data,
                "the images in \(dataFolder) are not those of the run in \(run): their digest is \(dataset.digest), and "
                    + "the run's is \(configuration.datasetDigest)")
        }
        imageCount = dataset.count
        try configuration.validate(imageCount: imageCount)
        let checkpoints = CheckpointFolder(
            run: run, configurationDigest: try Summary.digest(of: configuration), version: Version.current)
        guard let found = try checkpoints.newest() else {
            guard let file = supernetFile else { return }
            throw Failure(.noInput, "nothing is kept in \(run) yet; begin anew with `ostr select --supernet \(file)`")
        }
        for error in found.rejected {
            Program.console.print(
                "ostr: warning: a checkpoint cannot be used: \(error); the one before it is taken")
        }
        let initial = try TrainingState.initial(configuration)
        let halfSteps =
            configuration.selection.fineTuneEpochs == nil
            ? TrainingPlan(configuration: configuration, imageCount: imageCount).halfSteps
            : try FineTunedSearch.halfSteps(configuration, imageCount: imageCount)
        guard found.state.training.weights.count == initial.weights.count,
            found.state.training.alphas.count == initial.alphas.count, found.state.losses.count <= halfSteps
        else { throw Failure(.data, "\(found.path): a checkpoint of another network than the run's") }
        resume = found.state
    }

    /// A selection alone, from the supernet in a file.
    ///
    /// - Throws: as above; also what says how the file's tensors differ from those of the expected shape.
    init(_ options: SelectOptions) throws {
        guard let path = options.supernet else {
            throw Failure(
                .usage, "--supernet is missing; give a trained supernet's file, or a run folder with --resume")
        }
        let file = try SafetensorsFile(reading: path)
        let given = try options.shape.space?.load()
        let kind = options.dataset ?? file.metadata["dataset"].flatMap { DatasetKind(rawValue: $0) } ?? .fashionMNIST
        output = options.output.path(space: options.space(of: file, given), dataset: kind.rawValue)
        try RunFolder.requireCreatable(output)
        dataFolder = options.place.folder(kind)
        let images = try LoadedImages(kind, folder: dataFolder, limit: options.images, presetLimit: nil)
        let shape = try options.shape(of: file, given, images: images.dataset)
        let supernet = try Supernet(shape: shape, shardImages: 1)
        let content = try SuppliedSupernet(options, file: file, supernet: supernet).content
        var configuration = SearchConfiguration(
            supernet: shape, dataset: kind, images: images.limit, datasetDigest: images.dataset.digest, epochs: 0,
            batch: options.batches.batch, shards: options.batches.shardCount, seed: 0)
        configuration.convolution = options.shape.kernels.convolution
        configuration.selection = try options.selection.options(supernet.space, compares: true)
        try configuration.validate(imageCount: images.dataset.count)
        self.configuration = configuration
        imageCount = images.dataset.count
        preset = nil
        resume = SearchState(
            training: TrainingState(weights: content.weights, alphas: content.alphas), losses: [])
        supernetFile = path
        checkpointEvery = options.checkpoints.checkpointEvery
        onSaveError = options.checkpoints.onSaveError
        trainedEpochs = content.metadata["epochs"].flatMap { Int($0) }
    }

    /// What a trained network is tested on.
    func loadTestImages() throws(DatasetError) -> ImageDataset {
        try ImageDataset.load(kind: configuration.dataset, folder: dataFolder, split: .test)
    }

    /// The run's images, loaded anew.
    func loadImages() throws(DatasetError) -> ImageDataset {
        try ImageDataset.load(
            kind: configuration.dataset, folder: dataFolder, split: .training, limit: configuration.images)
    }
}
