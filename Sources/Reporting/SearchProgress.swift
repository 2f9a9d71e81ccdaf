import Search
import Supernet

/// What a search's events mean for whoever watches: lines to keep, and one line about the present moment.
///
/// A pure value: time comes in as seconds since the run began.
public struct SearchProgress: Sendable {
    /// One thing to show.
    public enum Output: Sendable, Equatable {
        /// A line to keep.
        case line(String)
        /// The state of things; replaces the status before.
        case status(Status)
    }

    /// The present moment, in parts, so that it can be cut to a terminal's width.
    public struct Status: Sendable, Equatable {
        /// For example `training  epoch 2/6  step 31/78`.
        public var text: String
        /// Share of the phase that is done, 0 ... 1.
        public var fraction: Double
        /// Seconds that the rest of the phase will take at the pace so far; nil while nothing is known.
        public var remaining: Double?
        /// What matters less and is dropped first on a narrow terminal.
        public var detail: String

        /// All fields.
        public init(text: String, fraction: Double, remaining: Double?, detail: String) {
            self.text = text
            self.fraction = fraction
            self.remaining = remaining
            self.detail = detail
        }

        /// The status in at most `width` characters, with a bar where there is room.
        public func line(width: Int) -> String {
            let left = remaining.map { "  \(SearchProgress.duration($0)) left" } ?? ""
            let percent = "  \(Int((fraction * 100).rounded(.down)))%"
            let bare = text + percent + left
            if bare.count > width { return String(bare.prefix(max(width, 0))) }
            let detailed = text + (detail.isEmpty ? "" : "  \(detail)") + percent + left
            if detailed.count > width { return bare }
            let room = min(width - detailed.count - 4, 24)
            if room < 8 { return detailed }
            let filled = Int((fraction * Double(room)).rounded(.down))
            let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: room - filled)
            return text + (detail.isEmpty ? "" : "  \(detail)") + "  [\(bar)]" + percent + left
        }
    }

    private let space: SearchSpace
    private var epochs = 0
    private var stepsPerEpoch = 0
    private var phaseStart = 0.0
    private var epochStart = 0.0
    private var lastLoss: LossSum?

    private let criterion: SelectionCriterion
    private let trainsNetwork: Bool

    /// - Parameters:
    ///   - space: names of edges and operations.
    ///   - criterion: by which is selected.
    public init(space: SearchSpace, criterion: SelectionCriterion = .strength, trainsNetwork: Bool = false) {
        self.space = space
        self.criterion = criterion
        self.trainsNetwork = trainsNetwork
    }

    /// What an event adds to the display.
    public mutating func receive(_ event: SearchEvent, at seconds: Double) -> [Output] {
        switch event {
        case .trainingStarted(let epochs, let stepsPerEpoch):
            self.epochs = epochs
            self.stepsPerEpoch = stepsPerEpoch
            phaseStart = seconds
            epochStart = seconds
            let trained = trainsNetwork ? "network" : "supernet"
            return [.line("training the \(trained): \(epochs) epochs of \(stepsPerEpoch) steps")]
        case .halfStepApplied(let halfStep, let sum):
            if halfStep.kind == .weights { lastLoss = sum }
            return [.status(trainingStatus(halfStep, at: seconds))]
        case .epochEnded(let epoch, let training, let validation):
            defer { epochStart = seconds }
            func measure(_ name: String, _ sum: LossSum) -> String {
                "\(name) loss \(SearchProgress.fixed(sum.mean, 3)) accuracy \(SearchProgress.percent(sum.accuracy))  "
            }
            // In the training of a network there are no alphas' batches.
            return [
                .line(
                    "epoch \(epoch + 1)/\(epochs)  " + measure("training", training)
                        + (validation.images > 0 ? measure("validation", validation) : "")
                        + SearchProgress.duration(seconds - epochStart))
            ]
        case .selectionStarted(let images, let edges):
            phaseStart = seconds
            return [.line("selecting by \(criterion.rawValue): \(edges) edges on \(images) held-out images")]
        case .comparisonStarted(let images, let criteria):
            phaseStart = seconds
            return [.line("comparing \(criteria) criteria on \(images) held-out images")]
        case .chosen(let criterion):
            return [.line("chosen by \(CriteriaTable.name(criterion))")]
        case .evaluationsDone(let done, let total):
            return [.status(selectionStatus(done: done, total: total, at: seconds))]
        case .edgeDecided(let edge, let operation):
            return [.line("edge \(space.edgeName(edge)): \(space.operationName(operation))")]
        case .edgesKept(let edges):
            return [.line("kept: " + edges.map(space.edgeName).joined(separator: ", "))]
        case .workerJoined(let name, let count):
            return [.line("worker \(name) joined (\(count))")]
        case .workerLost(let name, let reason):
            return [.line("worker \(name) lost: \(reason)")]
        case .workerSlow(let name, let times, let standsBy):
            let end = standsBy ? "it stands by" : "it holds the training up (--slow-workers stand-by leaves it out)"
            return [
                .line(
                    "worker \(name) takes \(SearchProgress.fixed(times, 1)) times as long for a shard as the others: \(end)"
                )
            ]
        case .workerRefused(let name, let reason):
            return [.line("worker \(name) was refused: \(reason)")]
        case .generationChanged(let number, let workers, let standBys, let reason):
            if number == 1 { return [] }
            let others = standBys == 0 ? "" : ", \(standBys) stand by"
            return [.line("\(workers) worker\(workers == 1 ? "" : "s") go on\(others): \(reason)")]
        case .generationBegan, .counters: return []
        case .workersGone(let wait):
            return [.line("all workers are gone; waiting \(SearchProgress.duration(wait)) for another")]
        case .halfStepSkipped(let halfStep, let shard):
            return [.line("half-step \(halfStep) is passed over: the gradient of shard \(shard) is not finite")]
        case .rewound(let halfStep, _, let reason):
            return [.line("going back to half-step \(halfStep): \(reason)")]
        case .message(let text):
            return [.line(text)]
        }
    }

    private func trainingStatus(_ halfStep: HalfStep, at seconds: Double) -> Status {
        let total = max(epochs * stepsPerEpoch * halfStep.halfStepsPerStep, 1)
        let done = min(halfStep.index + 1, total)
        let detail = lastLoss.map {
            "loss \(SearchProgress.fixed($0.mean, 3))  accuracy \(SearchProgress.percent($0.accuracy))"
        }
        return Status(
            text: "training  epoch \(halfStep.epoch + 1)/\(epochs)  step \(halfStep.step + 1)/\(stepsPerEpoch)",
            fraction: Double(done) / Double(total),
            remaining: (seconds - phaseStart) / Double(done) * Double(total - done), detail: detail ?? "")
    }

    private func selectionStatus(done: Int, total: Int, at seconds: Double) -> Status {
        let bounded = min(done, total)
        return Status(
            text: "selecting  \(bounded)/\(total) evaluations", fraction: Double(bounded) / Double(max(total, 1)),
            remaining: bounded == 0
                ? nil : (seconds - phaseStart) / Double(bounded) * Double(total - bounded),
            detail: "")
    }
}

extension SearchProgress {
    /// `0:07`, `12:30`, `3:05:00`.
    public static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "?" }
        let whole = Int(seconds.rounded())
        let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
        return hours > 0 ? "\(hours):\(twoDigits(minutes)):\(twoDigits(rest))" : "\(minutes):\(twoDigits(rest))"
    }

    /// A number with so many decimals, rounded half away from zero.
    public static func fixed(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite, abs(value) < 1e12 else { return "\(value)" }
        var scale = 1
        for _ in 0..<decimals { scale *= 10 }
        let scaled = Int((abs(value) * Double(scale)).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        if decimals == 0 { return "\(sign)\(scaled)" }
        let fraction = "\(scaled % scale)"
        return "\(sign)\(scaled / scale)." + String(repeating: "0", count: decimals - fraction.count) + fraction
    }

    /// A share as `71.2%`.
    public static func percent(_ share: Double) -> String { fixed(share * 100, 1) + "%" }

    private static func twoDigits(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
