import Coordinator
import Datasets
import Foundation
import Search

/// Steps on local worker processes, through a coordinator, as in a search.
struct ClusterBench {
    let configuration: SearchConfiguration
    let dataset: ImageDataset
    let work: BenchCommand.Work
    let workers: Int

    /// Seconds of the steps: of one half-step of the kind asked for, or of one batch's evaluation.
    func time(warmup: Int, steps: Int) throws -> [Double] {
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
        let options = CoordinatorOptions(
            configuration: configuration, imageCount: dataset.count, endpoint: "", expectedWorkers: workers)
        _ = try LocalCluster(workerArguments: ["--data", folder.path], workers: workers).run(options) { event in
            switch event {
            case .halfStepApplied(let halfStep, _): applied.append((halfStep.kind, clock.now))
            case .selectionStarted: evaluated.append((0, clock.now))
            case .evaluationsDone(let done, _): evaluated.append((done, clock.now))
            default: break
            }
        }
        switch work {
        case .weights, .alphas:
            let kind: HalfStep.Kind = work == .weights ? .weights : .alphas
            return zip(applied, applied.dropFirst()).filter { $1.kind == kind }
                .map { ($1.at - $0.at) / .seconds(1) }
        case .evaluate:
            // The first evaluations are those of the supernet as it stands; workers answer them a block at a time.
            let blocks = workers * (warmup + steps)
            return stride(from: 0, to: blocks, by: workers).compactMap { first in
                guard first + workers < evaluated.count else { return nil }
                let (start, end) = (evaluated[first], evaluated[first + workers])
                let batches = Double(end.shards - start.shards) / Double(configuration.shards)
                return batches > 0 ? (end.at - start.at) / .seconds(1) / batches : nil
            }
        }
    }

    /// Images that give every worker one block of shards to evaluate in each step.
    static func evaluationImages(_ batches: BatchOptions, workers: Int, steps: Int) -> Int {
        2 * Selection.blockShards * batches.shardImages * workers * steps
    }
}
