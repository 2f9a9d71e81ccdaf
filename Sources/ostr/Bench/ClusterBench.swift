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
        var evaluated: [(done: Int, at: ContinuousClock.Instant)] = []
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
        return []
    }
}
