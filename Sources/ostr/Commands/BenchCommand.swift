import ArgumentParser
import Foundation
import Reporting
import Search
import Supernet

/// `ostr bench`: how fast one step, the kernels or the all-reduce are here.
struct BenchCommand: ParsableCommand {
    /// What is timed.
    enum Work: String, CaseIterable, ExpressibleByArgument {
        case weights, alphas, evaluate, kernels, allreduce

        /// What a supernet does in a step of this kind; nil for what is no step.
        var pass: Supernet.Pass? {
            switch self {
            case .weights: .gradient(.weights)
            case .alphas: .gradient(.alphas)
            case .evaluate: .forward
            case .kernels, .allreduce: nil
            }
        }
    }

    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Times one step on random images and prints one line of JSON.",
        discussion: """
            weights: forward, backward, clipping, SGD. alphas: forward, backward for the alphas alone, Adam. \
            evaluate: forward, what one strength evaluation of a batch costs. kernels: each kernel alone, at the shapes \
            of the supernet. allreduce: the sum of a gradient over --workers processes, without any computation.

              ostr bench
              ostr bench --space darts
              ostr bench --work evaluate --channels 8 --cells 1 --steps 10
              ostr bench --profile
              ostr bench --work allreduce --workers 4 --mib 16

            With --workers above 1, local worker processes compute the shards of each batch together, as in a search.

            seconds_min and seconds_median are of one step; gflops counts a multiply-add of a convolution or the \
            classifier as two operations; fma_peak_gflops is what one core does at most, measured at the same time.
            """)

    @Option(help: ArgumentHelp("Search space.", valueName: "name"))
    var space: SpaceName = .nasbench201

    @Option(help: ArgumentHelp("What is timed.", valueName: "work"))
    var work: Work = .weights

    @Option(help: ArgumentHelp("Processes that compute, one core each.", valueName: "n"))
    var workers = 1

    @OptionGroup(title: "Batches") var batches: BatchOptions

    @Option(help: ArgumentHelp("Channels of the first stage, C.", valueName: "n"))
    var channels = 16

    @Option(
        help: ArgumentHelp(
            "Cells: of each stage in nasbench201, in all in darts. (default: nasbench201 5, darts 8)", valueName: "n"))
    var cells: Int?

    var cellCount: Int { cells ?? space.space.defaultCells }

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

    @Flag(
        help: ArgumentHelp(
            "Before the line of JSON, a table of where a step's time goes, by operation and pass; one worker."))
    var profile = false

    @Option(help: ArgumentHelp("MiB of the gradient that allreduce sums.", valueName: "n"))
    var mib = 8

    @Option(
        help: ArgumentHelp(
            "Worker processes sleep so long in each half-step, or evaluation of a batch, instead of computing: what is "
                + "left is the protocol.",
            valueName: "seconds"))
    var standIn: Double?

    @OptionGroup var instructions: InstructionSetOption

    @OptionGroup var peer: AllReducePeerOptions

    @OptionGroup(title: "Log") var log: LogOptions

    mutating func validate() throws {
        for (value, name) in [
            (workers, "--workers"), (channels, "--channels"), (cellCount, "--cells"), (size, "--size"),
            (classes, "--classes"), (steps, "--steps"), (mib, "--mib"),
        ] { try Check.positive(value, name) }
        try Check.notNegative(warmup, "--warmup")
        try Check.atMost(WorkerCount.largest, workers, "--workers")
        try Check.atMost(1_000_000, steps, "--steps")
        try Check.atMost(1_000_000, warmup, "--warmup")
        try Check.atMost(AllReduceBench.largestMebibytes, mib, "--mib")
        if let standIn, !(standIn >= 0 && standIn <= 3600) {
            throw ValidationError("--stand-in must be between 0 and 3600 seconds, not \(standIn).")
        }
        let isStep = work.pass != nil
        if profile && (!isStep || workers > 1 || standIn != nil) {
            throw ValidationError("--profile is of weights, alphas or evaluate in one worker.")
        }
        if standIn != nil && (!isStep || workers < 2) {
            throw ValidationError("--stand-in is for weights, alphas or evaluate with --workers above 1.")
        }
        if work == .kernels && workers > 1 {
            throw ValidationError("--work kernels runs in one worker.")
        }
        if workers > 1 && (size != 32 || classes != 10) {
            throw ValidationError("--size and --classes can be chosen with one worker only; several use 32 and 10.")
        }
    }

    mutating func run() throws {
        log.start()
        switch work {
        case .weights, .alphas, .evaluate: try StepBench(self).run()
        case .kernels: try KernelBench(channels: channels, size: size).run()
        case .allreduce:
            if let rank = peer.rank {
                try peer.run(rank: rank, workers: workers, mebibytes: mib, rounds: warmup + steps)
            } else {
                try AllReduceBench(workers: workers, mebibytes: mib, warmup: warmup, steps: steps).run()
            }
        }
    }
}
