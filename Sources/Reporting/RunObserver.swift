import Search
import Supernet

/// Shows a search while it runs, and writes its run folder.
///
/// The folder is made when the first work begins, not before: a run that finds its address in use, or no worker, leaves
/// nothing behind. Owned by the thread that observes the search.
public final class RunObserver {
    private let path: String
    private let description: RunDescription
    private let resumes: Bool
    private let console: Console
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var progress: SearchProgress
    private var pending: [(SearchEvent, Double)] = []
    private var folder: RunFolder?
    private var log: RunLog?
    private var failure: ReportingError?
    private var earlierSeconds = 0.0
    /// What each finished epoch measured.
    public private(set) var epochs: [Summary.Epoch] = []
    /// What a distributed run had to cope with; nil for a run in one process.
    public private(set) var counters: ClusterCounters?

    /// - Parameters:
    ///   - path: of the run folder, which does not exist yet unless the run goes on.
    ///   - description: written to `config.json`.
    ///   - earlier: epochs that were finished before the run was interrupted, when it goes on; nil for a new run.
    public init(
        path: String, description: RunDescription, space: SearchSpace, console: Console, earlier: [SearchEvent]? = nil
    ) {
        resumes = earlier != nil
        self.path = path
        self.description = description
        self.console = console
        progress = SearchProgress(
            space: space, criterion: description.configuration.selection.criterion ?? .strength,
            trainsNetwork: description.configuration.network != nil)
        start = clock.now
        for event in earlier ?? [] { noteEpoch(event) }
    }

    /// Since the observer was made, after the time of the run before it was interrupted.
    public var seconds: Double { earlierSeconds + (clock.now - start) / .seconds(1) }

    /// Takes one event of the search.
    public func observe(_ event: SearchEvent) {
        if begins(event) { begin() }
        let now = seconds
        if case .counters(let found) = event { counters = found }
        if let log { log.write(event, seconds: now) } else { pending.append((event, now)) }
        noteEpoch(event)
        for output in progress.receive(event, at: now) {
            switch output {
            case .line(let line): console.print(line)
            case .status(let status): console.show(status, at: now)
            }
        }
    }

    /// The run folder, made now if no event has made it.
    ///
    /// - Throws: the first failure to write, also of a line of the log while the search ran.
    public func finishedFolder() throws(ReportingError) -> RunFolder {
        console.clearStatus()
        begin()
        if let failure = failure ?? log?.failure { throw failure }
        guard let folder else { throw .write(file: path, reason: "the folder was not made") }
        return folder
    }

    /// Notes in the log why the run ended before its time; makes no folder for it.
    public func fail(_ text: String) {
        console.clearStatus()
        log?.write(error: text, seconds: seconds)
    }

    private func noteEpoch(_ event: SearchEvent) {
        if case .rewound(_, let finished, _) = event { epochs.removeAll { $0.epoch > finished } }
        guard case .epochEnded(let epoch, let training, let validation) = event else { return }
        epochs.append(
            Summary.Epoch(
                epoch: epoch + 1, training: Summary.Measure(training), validation: Summary.Measure(validation)))
    }

    private func begins(_ event: SearchEvent) -> Bool {
        switch event {
        case .trainingStarted, .selectionStarted, .comparisonStarted: true
        default: false
        }
    }

    private func begin() {
        guard folder == nil && failure == nil else { return }
        do throws(ReportingError) {
            let made = resumes ? try RunFolder.open(path) : try RunFolder.create(path)
            folder = made
            if !resumes { try made.write("config.json", json: description) }
            let log = try RunLog(folder: made, appending: resumes)
            earlierSeconds = log.earlierSeconds
            for (event, seconds) in pending { log.write(event, seconds: earlierSeconds + seconds) }
            pending = []
            self.log = log
        } catch {
            failure = error
            console.print("ostr: error: \(error); the run goes on, but its results cannot be kept")
        }
    }
}

/// `config.json`: all that a run was asked for, with every default filled in.
public struct RunDescription: Sendable, Codable {
    /// Of the program that runs.
    public var version = Version.current
    /// As it was typed, for example `search`.
    public var command: String
    /// The preset that the configuration began with; nil where there was none.
    public var preset: String?
    /// The folder of the data set.
    public var data: String
    /// The file that the weights came from, where a supernet was given.
    public var supernet: String?
    /// Epochs that it was trained for, where its file tells.
    public var supernetEpochs: Int?
    /// Worker processes; 0 for a search in this process. The numbers do not depend on it.
    public var workers: Int
    /// Steps between two checkpoints; 0 for none.
    public var checkpointEvery: Int
    /// What is done about gradients that are not finite: `stop` or `skip`.
    public var onNonFinite: String
    /// All that the numbers depend on.
    public var configuration: SearchConfiguration

    enum CodingKeys: String, CodingKey {
        case version, command, preset, data, supernet, workers, configuration
        case supernetEpochs = "supernet_epochs"
        case checkpointEvery = "checkpoint_every"
        case onNonFinite = "on_nonfinite"
    }

    /// All fields.
    public init(
        command: String, preset: String?, data: String, supernet: String? = nil, supernetEpochs: Int? = nil,
        workers: Int,
        checkpointEvery: Int = 0, onNonFinite: String = "stop", configuration: SearchConfiguration
    ) {
        self.checkpointEvery = checkpointEvery
        self.onNonFinite = onNonFinite
        self.command = command
        self.preset = preset
        self.data = data
        self.supernet = supernet
        self.supernetEpochs = supernetEpochs
        self.workers = workers
        self.configuration = configuration
    }
}
