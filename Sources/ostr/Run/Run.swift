import Checkpoint
import Coordinator
import Reporting
import Search
import Supernet
import Transport

/// One run from its known-good beginning to the printed answer: shows progress, keeps the run folder, prints the end.
struct Run {
    /// What computes the outcome and reports events on the way.
    typealias Body = (_ keeping: Keeping?, _ observe: (SearchEvent) -> Void) throws -> SearchOutcome

    let prepared: PreparedRun
    let command: String
    /// 0 for a run in this process.
    let workers: Int

    init(_ prepared: PreparedRun, command: String, workers: Int) {
        self.prepared = prepared
        self.command = command
        self.workers = workers
    }

    /// The coordinator's options for this run.
    func coordinatorOptions(
        endpoint: String, _ adjust: (inout CoordinatorOptions) -> Void = { _ in }
    ) -> CoordinatorOptions {
        var options = CoordinatorOptions(
            configuration: prepared.configuration, imageCount: prepared.imageCount, endpoint: endpoint,
            expectedWorkers: workers)
        options.resume = prepared.resume
        options.checkpointInterval = halfStepsPerStep * prepared.checkpointEvery
        options.onNonFinite = prepared.onNonFinite
        adjust(&options)
        return options
    }

    private var halfStepsPerStep: Int {
        TrainingPlan(configuration: prepared.configuration, imageCount: prepared.imageCount).halfStepsPerStep
    }

    /// Runs on this machine: in this process without workers, on local worker processes otherwise.
    ///
    /// - Parameter adjust: sets what a coordinator needs to know beside the run.
    func performLocally(_ adjust: (inout CoordinatorOptions) -> Void = { _ in }) throws {
        if prepared.configuration.selection.fineTuneEpochs != nil { return try performStages(at: nil, adjust) }
        if workers > 0 {
            let cluster = LocalCluster(workerArguments: ["--data", prepared.dataFolder], workers: workers)
            return try perform { keeping, observe in
                var options = coordinatorOptions(endpoint: "", adjust)
                options.keep(keeping)
                return try cluster.run(options, observe: observe)
            }
        }
        try perform { keeping, observe in
            let dataset = try prepared.loadImages()
            let replica = try Replica(configuration: prepared.configuration, dataset: dataset)
            // Without checkpoints a signal ends the process at once.
            let signals = keeping == nil ? nil : try StopSignals()
            return try LocalSearch.run(
                configuration: prepared.configuration, replica: replica, from: prepared.resume,
                skipsNonFinite: prepared.onNonFinite == .skip,
                keeping: keeping.map { keeping in
                    .init(
                        interval: halfStepsPerStep * prepared.checkpointEvery, save: keeping.save,
                        isInterrupted: { signals?.received != nil || keeping.failure() != nil })
                }, observe: observe)
        }
    }

    /// Runs a search that trains between decisions: a chain of searches, each in this process, on local workers of its own, or on those that
    /// join over the network and stay for the others.
    ///
    /// - Parameter endpoint: where workers join; nil for a run on this machine.
    private func performStages(at endpoint: String?, _ adjust: (inout CoordinatorOptions) -> Void) throws {
        let dataset = workers == 0 ? try prepared.loadImages() : nil
        let coordinator = CoordinatorProcess()
        var events = StageEvents()
        try perform { keeping, observe in
            let signals = dataset == nil || keeping == nil ? nil : try StopSignals()
            return try FineTunedSearch.run(
                prepared.configuration, imageCount: prepared.imageCount, from: prepared.resume, save: keeping?.save,
                observe: observe
            ) { stage in
                func show(_ event: SearchEvent) {
                    if let event = events.shown(event, of: stage) { observe(event) }
                }
                let plan = TrainingPlan(configuration: stage.configuration, imageCount: prepared.imageCount)
                let interval = plan.halfStepsPerStep * prepared.checkpointEvery
                if let dataset {
                    let replica = try Replica(configuration: stage.configuration, dataset: dataset)
                    return try LocalSearch.run(
                        configuration: stage.configuration, replica: replica, from: stage.beginning,
                        skipsNonFinite: prepared.onNonFinite == .skip,
                        keeping: stage.save.map { save in
                            .init(
                                interval: interval, save: save,
                                isInterrupted: { signals?.received != nil || keeping?.failure() != nil })
                        }, observe: show)
                }
                var options = coordinatorOptions(endpoint: endpoint ?? "", adjust)
                options.configuration = stage.configuration
                options.resume = stage.beginning
                options.checkpointInterval = interval
                options.save = stage.save
                options.saveFailure = keeping?.failure
                guard endpoint == nil else {
                    options.isFollowed = !stage.isLast
                    return try coordinator.run(options, observe: show)
                }
                return try LocalCluster(workerArguments: ["--data", prepared.dataFolder], workers: workers)
                    .run(options, observe: show)
            }
        }
    }

    /// Runs with workers that join over the network.
    ///
    /// - Parameters:
    ///   - endpoint: where they join.
    ///   - adjust: as of `performLocally`.
    func performForWorkers(at endpoint: String, _ adjust: (inout CoordinatorOptions) -> Void) throws {
        if prepared.configuration.selection.fineTuneEpochs != nil {
            return try performStages(at: endpoint, adjust)
        }
        var options = coordinatorOptions(endpoint: endpoint, adjust)
        try perform { keeping, observe in
            options.keep(keeping)
            return try CoordinatorProcess().run(options, observe: observe)
        }
    }

    /// Where checkpoints go.
    struct Keeping: Sendable {
        let save: @Sendable (SearchState) -> Void
        /// Why the run has to stop, since a checkpoint could not be written.
        let failure: @Sendable () -> String?
    }

    private func checkpointFolder() throws -> CheckpointFolder {
        CheckpointFolder(
            run: prepared.output, configurationDigest: try Summary.digest(of: prepared.configuration),
            version: Version.current)
    }

    private func checkpointWriter() throws -> CheckpointWriter? {
        guard prepared.checkpointEvery > 0 else { return nil }
        let goesOn = prepared.onSaveError == .goOn
        return CheckpointWriter(try checkpointFolder()) { result in
            guard case .failure(let error) = result else { return }
            Program.console.print(
                "ostr: error: a checkpoint was not written: \(error); "
                    + (goesOn ? "the run goes on, and the checkpoint before stays" : "the run stops"))
        }
    }

    /// Runs `body`, and writes and prints what it leads to.
    func perform(_ body: Body) throws {
        let space = try SearchSpace.of(prepared.configuration.supernet)
        let observer = RunObserver(
            path: prepared.output,
            description: RunDescription(
                command: command, preset: prepared.preset, data: prepared.dataFolder, supernet: prepared.supernetFile,
                supernetEpochs: prepared.supernetFile == nil ? nil : prepared.trainedEpochs, workers: workers,
                checkpointEvery: prepared.checkpointEvery,
                onNonFinite: prepared.onNonFinite.rawValue, configuration: prepared.configuration),
            space: space, console: Program.console, earlier: prepared.resumes ? earlierEpochs : nil)
        let writer = try checkpointWriter()
        let stops = prepared.onSaveError == .stop
        let keeping = writer.map { writer in
            Keeping(save: { writer.save($0) }, failure: { stops ? writer.failure?.description : nil })
        }
        let outcome: SearchOutcome
        do {
            outcome = try body(keeping) { observer.observe($0) }
        } catch {
            writer?.finish()
            if let failure = writer?.failure, stops {
                observer.fail("\(failure)")
                throw failure
            }
            observer.fail(Failure.of(error)?.message ?? "\(error)")
            throw error
        }
        writer?.finish()
        let seconds = observer.seconds
        let folder = try observer.finishedFolder()
        if let comparison = outcome.comparison { return try finish(comparison, in: space, folder) }
        if let genotype = try prepared.configuration.genotype() {
            return try finish(outcome, of: genotype, seconds: seconds, observer, folder)
        }
        let summary = try Summary(
            command: command, outcome: outcome, seconds: seconds, workers: workers, epochs: observer.epochs,
            counters: observer.counters,
            strengthCell: CellReport(
                space: space, operations: outcome.selection.operations, kept: outcome.selection.kept),
            magnitudeCell: CellReport(
                space: space, operations: outcome.selection.magnitudeOperations,
                kept: outcome.selection.magnitudeKept))
        let supernet = try Supernet(shape: prepared.configuration.supernet, shardImages: 1)
        try folder.writeResults(
            outcome, summary: summary, space: space, weights: supernet.parameters, alphas: supernet.alphaDirectory)
        try checkpointFolder().removeAll()
        try StandardOutput.print(
            Answer.lines(
                summary, space: space, epochs: prepared.trainedEpochs, configuration: prepared.configuration,
                folder: folder.path, frame: StandardOutput.frame))
    }

    /// Tests the network that was trained, and writes and prints what it is.
    private func finish(
        _ outcome: SearchOutcome, of genotype: Genotype, seconds: Double, _ observer: RunObserver, _ folder: RunFolder
    ) throws {
        let configuration = prepared.configuration
        let network = try FinalNetwork(
            genotype, shape: configuration.supernet, auxiliary: configuration.network?.auxiliaryWeight ?? 0 > 0,
            shardImages: NetworkEvaluation.images, convolution: configuration.convolution)
        network.load(weights: outcome.state.weights)
        let test = NetworkEvaluation.measure(network, on: try prepared.loadTestImages(), showing: Program.console)
        let summary = try TrainingSummary(
            command: command, outcome: outcome, network: network, test: test, seconds: seconds, workers: workers,
            epochs: observer.epochs, counters: observer.counters)
        try folder.writeResults(outcome, summary: summary, network: network)
        try checkpointFolder().removeAll()
        let report = NetworkReport(summary, dataset: configuration.dataset.rawValue)
        try StandardOutput.print(
            [""] + report.lines(StandardOutput.frame) + [
                "Run folder    \(folder.path)   (digest \(summary.digest.prefix(16)), "
                    + "\(SearchProgress.duration(seconds)))"
            ])
    }

    /// Writes and prints what each of the criteria chose.
    private func finish(_ comparison: ComparisonResult, in space: SearchSpace, _ folder: RunFolder) throws {
        let table = CriteriaTable(comparison.criteria, space: space)
        let cells = space == .nasbench201 ? comparison.cells.map(CellLossTable.init) : nil
        if let cells { try folder.write("cells.csv", cells.csv) }
        try folder.write("criteria.csv", table.csv)
        try checkpointFolder().removeAll()
        try StandardOutput.print(
            [""] + table.lines(StandardOutput.frame)
                + [
                    "",
                    "Losses are by the supernet's weights, on \(Answer.grouped(comparison.images)) held-out images of "
                        + "\(prepared.configuration.dataset.rawValue), with every operation at weight 1.",
                ] + (cells.map { [$0.sentence] } ?? []) + ["Run folder    \(folder.path)"])
    }

    private var earlierEpochs: [SearchEvent] {
        let plan = TrainingPlan(configuration: prepared.configuration, imageCount: prepared.imageCount)
        var epoch = EpochLosses(plan: plan)
        // Those between decisions are none of the supernet's training.
        return (prepared.resume?.losses ?? []).prefix(plan.halfSteps).enumerated()
            .compactMap { epoch.add($1, of: plan.halfStep($0)) }
    }
}

extension CoordinatorOptions {
    mutating func keep(_ keeping: Run.Keeping?) {
        save = keeping?.save
        saveFailure = keeping?.failure
    }
}
