import Search
import Supernet

/// Shows a search while it runs, and writes its run folder.
///
/// The folder is made when the first work begins, not before: a run that finds its address in use, or no worker, leaves
/// nothing behind. Owned by the thread that observes the search.
public final class RunObserver {
    private let path: String
    private let description: RunDescription
    private let console: Console
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var progress: SearchProgress
    private var pending: [(SearchEvent, Double)] = []
    private var folder: RunFolder?
    private var log: RunLog?
    private var failure: ReportingError?
    /// What each finished epoch measured.
    public private(set) var epochs: [Summary.Epoch] = []

    /// - Parameters:
    ///   - path: of the run folder, which does not exist yet.
    ///   - description: written to `config.json`.
    public init(path: String, description: RunDescription, space: SearchSpace, console: Console) {
        self.path = path
        self.description = description
        self.console = console
        progress = SearchProgress(space: space)
        start = clock.now
    }

    /// Since the observer was made.
    public var seconds: Double { (clock.now - start) / .seconds(1) }

    /// Takes one event of the search.
    public func observe(_ event: SearchEvent) {
        let now = seconds
        if begins(event) { begin() }
        if let log { log.write(event, seconds: now) } else { pending.append((event, now)) }
        if case .epochEnded(let epoch, let training, let validation) = event {
            epochs.append(
                Summary.Epoch(
                    epoch: epoch + 1, training: Summary.Measure(training), validation: Summary.Measure(validation)))
        }
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

    private func begins(_ event: SearchEvent) -> Bool {
        switch event {
        case .trainingStarted, .selectionStarted: true
        default: false
        }
    }

    private func begin() {
        guard folder == nil && failure == nil else { return }
        do throws(ReportingError) {
            let made = try RunFolder.create(path)
            folder = made
            try made.write("config.json", json: description)
            let log = try RunLog(folder: made)
            for (event, seconds) in pending { log.write(event, seconds: seconds) }
            pending = []
            self.log = log
        } catch {
            failure = error
            console.print("ostr: error: \(error); the search goes on, but its results cannot be kept")
        }
    }
}

/// `config.json`: all that a run was asked for, with every default filled in.
public struct RunDescription: Sendable, Encodable {
    public var version = Version.current
    public var command: String
    /// The preset that the configuration began with; nil where there was none.
    public var preset: String?
    /// The folder of the data set.
    public var data: String
    /// The file that the weights came from, where a supernet was given.
    public var supernet: String?
    /// Worker processes; 0 for a search in this process. The numbers do not depend on it.
    public var workers: Int
    /// All that the numbers depend on.
    public var configuration: SearchConfiguration

    public init(
        command: String, preset: String?, data: String, supernet: String? = nil, workers: Int,
        configuration: SearchConfiguration
    ) {
        self.command = command
        self.preset = preset
        self.data = data
        self.supernet = supernet
        self.workers = workers
        self.configuration = configuration
    }
}
