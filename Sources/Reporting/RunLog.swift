import Foundation
import Search

/// `log.jsonl`: one event a line, with seconds since the run began from a clock that never goes back.
///
/// Owned by the thread that observes the search. Lines are flushed as they are written, so that a run that ends badly
/// leaves all it did.
public final class RunLog {
    private let path: String
    private var descriptor: Int32
    /// The first line that could not be written.
    public private(set) var failure: ReportingError?

    /// Seconds of the last line of an earlier process, where the log goes on.
    public private(set) var earlierSeconds = 0.0

    /// - Parameter appending: go on with the log that is there.
    /// - Throws: `ReportingError.write` when the file cannot be made, or another process writes it.
    public init(folder: RunFolder, appending: Bool = false) throws(ReportingError) {
        path = folder.file("log.jsonl")
        let creation = appending ? O_CREAT : O_CREAT | O_EXCL
        descriptor = open(path, O_RDWR | creation | O_APPEND | O_CLOEXEC, 0o644)
        if descriptor < 0 { throw .write(file: path, reason: FileWriting.reason(errno)) }
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            close(descriptor)
            throw .write(file: path, reason: "another process writes it: the run goes on there")
        }
        if appending { endLastLine() }
    }

    /// A process that was killed may have left half a line.
    private func endLastLine() {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8), !text.isEmpty else { return }
        if !text.hasSuffix("\n") { _ = FileWriting.writeAll([UInt8(ascii: "\n")], to: descriptor) }
        struct Seconds: Decodable { var seconds: Double }
        for line in text.split(separator: "\n").reversed() {
            if let found = try? JSONDecoder().decode(Seconds.self, from: Data(line.utf8)) {
                earlierSeconds = found.seconds
                return
            }
        }
    }

    deinit { close(descriptor) }

    /// Writes an event. After a failure nothing more is written; `failure` has the first one.
    public func write(_ event: SearchEvent, seconds: Double) {
        write(LogLine(event, seconds: seconds))
    }

    /// Writes the reason why a run ended before its time.
    public func write(error: String, seconds: Double) {
        write(LogLine(seconds: seconds, event: "failed", text: error))
    }

    private func write(_ line: LogLine) {
        guard failure == nil else { return }
        do {
            let bytes = try RunFolder.encode(line, pretty: false)
            if let number = FileWriting.writeAll(bytes, to: descriptor) {
                failure = .write(file: path, reason: FileWriting.reason(number))
            }
        } catch {
            failure = .write(file: path, reason: "\(error)")
        }
    }
}

/// One line of the log; only the fields of its event are written.
struct LogLine: Encodable {
    var seconds: Double
    var event: String
    var halfStep: Int?
    var kind: String?
    var part: String?
    var epoch: Int?
    var step: Int?
    var loss: Double?
    var accuracy: Double?
    var validationLoss: Double?
    var validationAccuracy: Double?
    var epochs: Int?
    var stepsPerEpoch: Int?
    var images: Int?
    var edges: Int?
    var criteria: Int?
    var done: Int?
    var total: Int?
    var edge: Int?
    var operation: Int?
    var kept: [Int]?
    var worker: String?
    var workers: Int?
    var standBys: Int?
    var generation: Int?
    var shard: Int?
    /// Seconds.
    var waited: Double?
    /// As long as others.
    var times: Double?
    var counters: ClusterCounters?
    var text: String?

    init(seconds: Double, event: String, text: String? = nil) {
        self.seconds = (seconds * 1e6).rounded() / 1e6
        self.event = event
        self.text = text
    }

    enum CodingKeys: String, CodingKey {
        case seconds, event, kind, part, epoch, step, loss, accuracy, epochs, images, edges, criteria, done, total,
            edge, operation, kept
        case worker, workers, text, generation, shard, waited, times, counters
        case standBys = "stand_bys"
        case halfStep = "half_step"
        case validationLoss = "validation_loss"
        case validationAccuracy = "validation_accuracy"
        case stepsPerEpoch = "steps_per_epoch"
    }

    init(_ event: SearchEvent, seconds: Double) {
        switch event {
        case .trainingStarted(let epochs, let stepsPerEpoch):
            self.init(seconds: seconds, event: "training_started")
            self.epochs = epochs
            self.stepsPerEpoch = stepsPerEpoch
        case .halfStepApplied(let halfStep, let sum):
            self.init(seconds: seconds, event: "half_step")
            self.halfStep = halfStep.index
            kind = "\(halfStep.kind)"
            part = halfStep.part == .whole ? nil : halfStep.part.rawValue
            epoch = halfStep.epoch
            step = halfStep.step
            loss = sum.mean
            accuracy = sum.accuracy
        case .epochEnded(let epoch, let training, let validation):
            self.init(seconds: seconds, event: "epoch_ended")
            self.epoch = epoch
            loss = training.mean
            accuracy = training.accuracy
            if validation.images > 0 {
                validationLoss = validation.mean
                validationAccuracy = validation.accuracy
            }
        case .selectionStarted(let images, let edges):
            self.init(seconds: seconds, event: "selection_started")
            self.images = images
            self.edges = edges
        case .comparisonStarted(let images, let criteria):
            self.init(seconds: seconds, event: "comparison_started")
            self.images = images
            self.criteria = criteria
        case .chosen(let criterion):
            self.init(seconds: seconds, event: "chosen", text: CriteriaTable.name(criterion))
        case .evaluationsDone(let done, let total):
            self.init(seconds: seconds, event: "evaluations")
            self.done = done
            self.total = total
        case .edgeDecided(let edge, let operation):
            self.init(seconds: seconds, event: "edge_decided")
            self.edge = edge
            self.operation = operation
        case .edgesKept(let edges):
            self.init(seconds: seconds, event: "edges_kept")
            kept = edges
        case .workerJoined(let name, let count):
            self.init(seconds: seconds, event: "worker_joined")
            worker = name
            workers = count
        case .workerLost(let name, let reason):
            self.init(seconds: seconds, event: "worker_lost")
            worker = name
            text = reason
        case .workerSlow(let name, let times, let standsBy):
            self.init(seconds: seconds, event: "worker_slow", text: standsBy ? "it stands by" : nil)
            worker = name
            self.times = times
        case .workerRefused(let name, let reason):
            self.init(seconds: seconds, event: "worker_refused", text: reason)
            worker = name
        case .generationChanged(let number, let workers, let standBys, let reason):
            self.init(seconds: seconds, event: "generation_changed", text: reason)
            generation = number
            self.workers = workers
            self.standBys = standBys
        case .generationBegan(let number, let halfStep, let waited):
            self.init(seconds: seconds, event: "generation_began")
            generation = number
            self.halfStep = halfStep
            self.waited = waited
        case .workersGone(let wait):
            self.init(seconds: seconds, event: "workers_gone")
            waited = wait
        case .halfStepSkipped(let halfStep, let shard):
            self.init(seconds: seconds, event: "half_step_skipped")
            self.halfStep = halfStep
            self.shard = shard
        case .rewound(let halfStep, _, let reason):
            self.init(seconds: seconds, event: "training_rewound", text: reason)
            self.halfStep = halfStep
        case .counters(let counters):
            self.init(seconds: seconds, event: "counters")
            self.counters = counters
        case .message(let message):
            self.init(seconds: seconds, event: "message", text: message)
        }
    }
}
