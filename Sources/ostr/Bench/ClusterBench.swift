import Coordinator
import Datasets
import Foundation
import Search

/// Steps on local worker processes, through a coordinator, as in a search.
struct ClusterBench {
    struct Result {
        /// Of one half-step of the kind asked for, or of one batch's evaluation; warm-up included.
        var seconds: [Double]
        /// Seconds of processor time of this process, which coordinates: of the training, or of the evaluations.
        var coordinatorCPU: Double
        /// Of all workers, from their start to their end.
        var workersCPU: Double
        /// Of the training, if that is what was timed.
        var training: Training?
    }

    /// Seconds of a training, warm-up included, and where they went: mean of the workers.
    struct Training {
        var seconds: Double
        /// Waiting for a sum when the own shards were computed.
        var waited: Double
        /// Of that, after the last worker had computed its shards.
        var exchange: Double
        /// Processor time of the threads that do not compute.
        var networkCPU: Double
    }

    let configuration: SearchConfiguration
    let dataset: ImageDataset
    let work: BenchCommand.Work
    let workers: Int
    /// Seconds that workers sleep instead of computing.
    let standIn: Double?

    /// Times `warmup` and `steps` steps.
    func time(warmup: Int, steps: Int) throws -> Result {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("ostr-bench-\(UUID().uuidString)", isDirectory: true)
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        } catch {
            throw Failure(.cannotCreate, "cannot create \(folder.path): \(error.localizedDescription)")
        }
        defer { try? FileManager.default.removeItem(at: folder) }
        try SyntheticImages.write(dataset, to: folder)

        let clock = ContinuousClock()
        var applied: [(kind: HalfStep.Kind, at: ContinuousClock.Instant)] = []
        var evaluated: [(shards: Int, at: ContinuousClock.Instant)] = []
        var options = CoordinatorOptions(
            configuration: configuration, imageCount: dataset.count, endpoint: "", expectedWorkers: workers)
        // Hundreds of processes take their time to start.
        options.joinTimeout = .seconds(60 + 2 * workers)
        var arguments = ["--data", folder.path]
        if let standIn {
            // A world larger than the machine: who does not get a core for a while is not lost.
            let patience = max(60, 2 * workers)
            options.workerTimeout = .seconds(patience)
            arguments += ["--stand-in", "\(standIn)", "--silence-timeout", "\(patience)"]
        }
        var counters = ClusterCounters()
        let workersBefore = ProcessUsage.cpuSeconds(ofChildren: true)
        func moment() -> (cpu: Double, at: ContinuousClock.Instant) { (ProcessUsage.cpuSeconds(), clock.now) }
        var training = (start: moment(), end: (cpu: Double, at: ContinuousClock.Instant)?.none)
        // The rest of the selection is of no interest.
        let blocks = workers * (warmup + steps)
        let isEnough = { work == .evaluate ? evaluated.count > blocks : !evaluated.isEmpty }
        do throws(CoordinatorError) {
            _ = try LocalCluster(workerArguments: arguments, workers: workers).run(options, until: isEnough) { event in
                switch event {
                case .trainingStarted: training.start = moment()
                case .halfStepApplied(let halfStep, _): applied.append((halfStep.kind, clock.now))
                case .selectionStarted:
                    if work != .evaluate { training.end = moment() }
                    evaluated.append((0, clock.now))
                case .evaluationsDone(let done, _): evaluated.append((done, clock.now))
                case .counters(let found): counters = found
                default: break
                }
            }
        } catch {
            guard error == .endedEarly else { throw error }
        }
        return Result(
            seconds: seconds(applied, evaluated, blocks: blocks),
            coordinatorCPU: (training.end ?? moment()).cpu - training.start.cpu,
            workersCPU: ProcessUsage.cpuSeconds(ofChildren: true) - workersBefore,
            training: training.end.map { end in
                let share = 1 / (1000 * Double(workers))
                return Training(
                    seconds: (end.at - training.start.at) / .seconds(1),
                    waited: Double(counters.waitedMilliseconds) * share,
                    exchange: Double(counters.exchangeMilliseconds) * share,
                    networkCPU: Double(counters.networkMilliseconds) * share)
            })
    }

    private func seconds(
        _ applied: [(kind: HalfStep.Kind, at: ContinuousClock.Instant)],
        _ evaluated: [(shards: Int, at: ContinuousClock.Instant)], blocks: Int
    ) -> [Double] {
        guard work == .evaluate else {
            let kind: HalfStep.Kind = work == .weights ? .weights : .alphas
            return zip(applied, applied.dropFirst()).filter { $1.kind == kind }
                .map { ($1.at - $0.at) / .seconds(1) }
        }
        // The first evaluations are those of the supernet as it stands; workers answer them a block at a time.
        return stride(from: 0, to: blocks, by: workers).compactMap { first in
            guard first + workers < evaluated.count else { return nil }
            let (start, end) = (evaluated[first], evaluated[first + workers])
            let batches = Double(end.shards - start.shards) / Double(configuration.shards)
            return batches > 0 ? (end.at - start.at) / .seconds(1) / batches : nil
        }
    }

    /// Images that give every worker one block of shards to evaluate in each step.
    static func evaluationImages(_ batches: BatchOptions, workers: Int, steps: Int) -> Int {
        2 * Selection.blockShards * batches.shardImages * workers * steps
    }
}
