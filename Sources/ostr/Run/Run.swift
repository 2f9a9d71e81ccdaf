import Coordinator
import Reporting
import Search
import Supernet

/// One run from its known-good beginning to the printed answer: shows progress, keeps the run folder, prints the end.
struct Run {
    /// What computes the outcome and reports events on the way.
    typealias Body = (_ observe: (SearchEvent) -> Void) throws -> SearchOutcome

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
            expectedWorkers: workers, initialState: prepared.initialState)
        adjust(&options)
        return options
    }

    /// Runs on this machine: in this process without workers, on local worker processes otherwise.
    func performLocally() throws {
        if workers == 0 {
            try perform { observe in
                let dataset = try prepared.loadImages()
                let replica = try Replica(configuration: prepared.configuration, dataset: dataset)
                guard let state = prepared.initialState else {
                    return try LocalSearch.run(
                        configuration: prepared.configuration, replica: replica, observe: observe)
                }
                replica.state = state
                let selection = try LocalSearch.select(replica: replica, observe: observe)
                return SearchOutcome(
                    configuration: prepared.configuration, state: replica.state, losses: [], selection: selection)
            }
        } else {
            let cluster = LocalCluster(workerArguments: ["--data", prepared.dataFolder], workers: workers)
            let options = coordinatorOptions(endpoint: "")
            try perform { try cluster.run(options, observe: $0) }
        }
    }

    /// Runs `body`, and writes and prints what it leads to.
    func perform(_ body: Body) throws {
        let space = try SearchSpace.named(prepared.configuration.supernet.space)
        let observer = RunObserver(
            path: prepared.output,
            description: RunDescription(
                command: command, preset: prepared.preset, data: prepared.dataFolder, supernet: prepared.supernetFile,
                workers: workers, configuration: prepared.configuration),
            space: space, console: Program.console)
        let outcome: SearchOutcome
        do {
            outcome = try body { observer.observe($0) }
        } catch {
            observer.fail(Failure.of(error)?.message ?? "\(error)")
            throw error
        }
        let seconds = observer.seconds
        let folder = try observer.finishedFolder()
        let summary = try Summary(
            command: command, outcome: outcome, seconds: seconds, workers: workers, epochs: observer.epochs,
            strengthCell: CellReport(operations: outcome.selection.operations),
            magnitudeCell: CellReport(operations: outcome.selection.magnitudeOperations))
        let supernet = try Supernet(shape: prepared.configuration.supernet, shardImages: 1)
        try folder.writeResults(
            outcome, summary: summary, space: space, weights: supernet.parameters, alphas: supernet.alphaDirectory)
        try StandardOutput.print(
            Answer.lines(
                summary, space: space, epochs: prepared.trainedEpochs, configuration: prepared.configuration,
                folder: folder.path, frame: StandardOutput.frame))
    }
}
