import Foundation
import Kernels
import Reporting
import Search
import Supernet

/// Times steps in this process, or on local worker processes.
struct StepBench {
    let command: BenchCommand

    init(_ command: BenchCommand) { self.command = command }

    /// Prints a table where one was asked for, and one line of JSON.
    func run() throws {
        let batches = command.batches
        guard let pass = command.work.pass else { return }
        let shape = SupernetShape(
            space: command.space.rawValue, channels: command.channels, cells: command.cellCount,
            classes: command.classes, inputChannels: 3, imageSize: command.size)
        if command.standIn == nil {
            try MemoryNeed.check(shape, shardImages: batches.shardImages, processes: command.workers)
        }
        // One step an epoch: as many images in each half as a batch has.
        let isEvaluation = command.workers > 1 && command.work == .evaluate
        let count =
            isEvaluation
            ? ClusterBench.evaluationImages(
                batches, workers: command.workers, steps: command.warmup + command.steps) : 2 * batches.batch
        let dataset = SyntheticImages.dataset(count: count, size: command.size, classes: command.classes)
        var configuration = SearchConfiguration(
            supernet: shape, dataset: .cifar10, datasetDigest: dataset.digest,
            epochs: isEvaluation
                ? 0
                : LocalBench.epochs(warmup: command.warmup, steps: command.steps, hasProfile: command.profile),
            batch: batches.batch, shards: batches.shardCount, seed: 0)
        configuration.convolution = command.convolution
        // After a training that is timed, the selection is made as short as can be.
        if !isEvaluation { configuration.selection.images = batches.shardImages }
        try configuration.validate(imageCount: dataset.count)

        var report = BenchReport(
            command, multiplyAdds: try Supernet(shape: shape, shardImages: 1).multiplyAdds(pass) * batches.batch)
        if command.workers > 1 {
            let result = try ClusterBench(
                configuration: configuration, dataset: dataset, work: command.work, workers: command.workers,
                standIn: command.standIn
            ).time(warmup: command.warmup, steps: command.steps)
            report.take(seconds: Array(result.seconds.dropFirst(command.warmup)))
            report.coordinatorCpuSeconds = result.coordinatorCPU
            report.workersCpuSeconds = result.workersCPU
            report.trainingSeconds = result.training?.seconds
            report.waitedSeconds = result.training?.waited
            report.exchangeSeconds = result.training?.exchange
            report.networkCpuSeconds = result.training?.networkCPU
            report.standIn = command.standIn
        } else {
            let bench = LocalBench(configuration: configuration, dataset: dataset, work: command.work)
            let profile = command.profile ? Profile(now: ProfileTable.now) : nil
            let times = try bench.time(warmup: command.warmup, steps: command.steps, profile: profile)
            report.take(seconds: times.plain)
            if let profile {
                let table = ProfileTable(
                    profile.entries, profiled: times.profiled, plain: times.plain,
                    bounds: MachineBounds.measure(fmaPeak: report.fmaPeakGflops))
                try StandardOutput.print(table.lines)
                report.take(table)
            }
        }
        try StandardOutput.print([try JSONLine.text(report)])
    }
}
