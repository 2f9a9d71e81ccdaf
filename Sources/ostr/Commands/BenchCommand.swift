import ArgumentParser
import Foundation
import Reporting
import Search
import Supernet

/// `ostr bench`: how fast one step is here.
struct BenchCommand: ParsableCommand {
    /// What one step does.
    enum Work: String, CaseIterable, ExpressibleByArgument {
        case weights, alphas, evaluate

        var pass: Supernet.Pass {
            switch self {
            case .weights: .gradient(.weights)
            case .alphas: .gradient(.alphas)
            case .evaluate: .forward
            }
        }
    }

    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Times one step on random images and prints one line of JSON.",
        discussion: """
            weights: forward, backward, clipping, SGD. alphas: forward, backward for the alphas alone, Adam. \
            evaluate: forward, what one strength evaluation of a batch costs.

              ostr bench
              ostr bench --work evaluate --channels 8 --cells 1 --steps 10

            With --workers above 1, local worker processes compute the shards of each batch together, as in a search.

            seconds_min and seconds_median are of one step; gflops counts a multiply-add of a convolution or the \
            classifier as two operations; fma_peak_gflops is what one core does at most, measured at the same time.
            """)

    @Option(help: ArgumentHelp("Search space.", valueName: "name"))
    var space: SpaceName = .nasbench201

    @Option(help: ArgumentHelp("What one step does.", valueName: "work"))
    var work: Work = .weights

    @Option(help: ArgumentHelp("Processes that compute, one core each.", valueName: "n"))
    var workers = 1

    @OptionGroup(title: "Batches") var batches: BatchOptions

    @Option(help: ArgumentHelp("Channels of the first stage, C.", valueName: "n"))
    var channels = 16

    @Option(help: ArgumentHelp("Cells of each stage, N.", valueName: "n"))
    var cells = 5

    @Option(
        help: ArgumentHelp("How 3x3 convolutions are computed: direct, winograd or auto.", valueName: "name"))
    var convolution: ConvolutionAlgorithm = .auto

    @Option(help: ArgumentHelp("Height and width of the images, in pixels.", valueName: "n"))
    var size = 32

    @Option(help: ArgumentHelp("Classes.", valueName: "n"))
    var classes = 10

    @Option(help: ArgumentHelp("Steps that are timed.", valueName: "n"))
    var steps = 3

    @Option(help: ArgumentHelp("Steps before, which are not timed.", valueName: "n"))
    var warmup = 1

    @OptionGroup(title: "Log") var log: LogOptions

    mutating func validate() throws {
        for (value, name) in [
            (workers, "--workers"), (channels, "--channels"), (cells, "--cells"), (size, "--size"),
            (classes, "--classes"), (steps, "--steps"),
        ] { try Check.positive(value, name) }
        try Check.notNegative(warmup, "--warmup")
        try Check.atMost(WorkerCount.largest, workers, "--workers")
        try Check.atMost(1_000_000, steps, "--steps")
        try Check.atMost(1_000_000, warmup, "--warmup")
        if workers > 1 && (size != 32 || classes != 10) {
            throw ValidationError("--size and --classes can be chosen with one worker only; several use 32 and 10.")
        }
    }

    mutating func run() throws {
        log.start()
        let shape = SupernetShape(
            space: space.rawValue, channels: channels, cells: cells, classes: classes, inputChannels: 3,
            imageSize: size)
        try MemoryNeed.check(shape, shardImages: batches.shardImages, processes: workers)
        // One step an epoch: as many images in each half as a batch has.
        let isEvaluation = workers > 1 && work == .evaluate
        let count =
            isEvaluation
            ? ClusterBench.evaluationImages(batches, workers: workers, steps: warmup + steps) : 2 * batches.batch
        let dataset = SyntheticImages.dataset(count: count, size: size, classes: classes)
        var configuration = SearchConfiguration(
            supernet: shape, dataset: .cifar10, datasetDigest: dataset.digest,
            epochs: isEvaluation ? 0 : warmup + steps,
            batch: batches.batch, shards: batches.shardCount, seed: 0)
        configuration.convolution = convolution
        try configuration.validate(imageCount: dataset.count)
        let seconds: [Double]
        if workers == 1 {
            seconds = try LocalBench(configuration: configuration, dataset: dataset, work: work)
                .time(warmup: warmup, steps: steps)
        } else {
            seconds = try ClusterBench(configuration: configuration, dataset: dataset, work: work, workers: workers)
                .time(warmup: warmup, steps: steps)
        }
        let report = BenchReport(
            self, seconds: Array(seconds.dropFirst(warmup)),
            multiplyAdds: try Supernet(shape: shape, shardImages: 1).multiplyAdds(work.pass) * batches.batch)
        try StandardOutput.print([try JSONLine.text(report)])
    }
}
