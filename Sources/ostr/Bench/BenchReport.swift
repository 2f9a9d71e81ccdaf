import Foundation
import Kernels
import Reporting

/// One line of `ostr bench` about steps.
struct BenchReport: Encodable {
    var version: String
    /// The instruction set.
    var isa = InstructionSet.own.rawValue
    var space: String
    var work: String
    var workers: Int
    var batch: Int
    var shards: Int
    var channels: Int
    var cells: Int
    var size: Int
    var classes: Int
    /// How 3×3 convolutions were computed.
    var convolution: String
    var steps = 0
    var secondsMin = 0.0
    var secondsMedian = 0.0
    /// Of the largest process that computes.
    var peakRssMib = 0
    var gflops = 0.0
    var fmaPeakGflops = 0.0
    /// Of one step, on all workers together.
    var multiplyAdds: Int
    /// Processor time of this process until the last step ended.
    var cpuSeconds = 0.0
    /// With several workers: processor time of the training or the evaluations, and of all workers from start to end.
    var coordinatorCpuSeconds: Double?
    var workersCpuSeconds: Double?
    /// With several workers, of the training: its length, and what of it a worker waited and used for the network.
    var trainingSeconds: Double?
    var waitedSeconds: Double?
    var exchangeSeconds: Double?
    var networkCpuSeconds: Double?
    var standIn: Double?
    /// With a profile.
    var triadGbs: Double?
    var cacheTriadGbs: Double?
    var profile: [ProfileTable.Row]?

    /// - Parameter multiplyAdds: of one step.
    init(_ command: BenchCommand, multiplyAdds: Int) {
        version = Version.current
        space = command.space.rawValue
        work = command.work.rawValue
        workers = command.workers
        batch = command.batches.batch
        shards = command.batches.shardCount
        channels = command.channels
        cells = command.cellCount
        size = command.size
        classes = command.classes
        convolution = command.convolution.rawValue
        self.multiplyAdds = multiplyAdds
    }

    /// Takes the seconds of the steps, as soon as they are over: memory and peak are measured now.
    mutating func take(seconds: [Double]) {
        cpuSeconds = ProcessUsage.cpuSeconds()
        steps = seconds.count
        let sorted = seconds.sorted()
        secondsMin = sorted.first ?? 0
        secondsMedian = sorted.isEmpty ? 0 : sorted[sorted.count / 2]
        peakRssMib = ProcessUsage.peakBytes(ofChildren: workers > 1) >> 20
        gflops = secondsMin > 0 ? 2 * Double(multiplyAdds) / secondsMin / 1e9 : 0
        fmaPeakGflops = MachineBounds.fmaPeak()
    }

    mutating func take(_ table: ProfileTable) {
        profile = table.rows
        triadGbs = table.bounds.memory
        cacheTriadGbs = table.bounds.cache
    }

    enum CodingKeys: String, CodingKey {
        case version, isa, space, work, workers, batch, shards, channels, cells, size, classes, convolution, steps,
            gflops, profile
        case secondsMin = "seconds_min"
        case secondsMedian = "seconds_median"
        case peakRssMib = "peak_rss_mib"
        case fmaPeakGflops = "fma_peak_gflops"
        case multiplyAdds = "multiply_adds"
        case cpuSeconds = "cpu_seconds"
        case coordinatorCpuSeconds = "coordinator_cpu_seconds"
        case workersCpuSeconds = "workers_cpu_seconds"
        case trainingSeconds = "training_seconds"
        case waitedSeconds = "waited_seconds"
        case exchangeSeconds = "exchange_seconds"
        case networkCpuSeconds = "network_cpu_seconds"
        case standIn = "stand_in"
        case triadGbs = "triad_gbs"
        case cacheTriadGbs = "cache_triad_gbs"
    }
}
