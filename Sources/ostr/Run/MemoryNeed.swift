import Foundation
import Supernet

/// Whether supernets of a shape fit into this machine's memory: to be asked before any of it is taken.
enum MemoryNeed {
    /// - Throws: `Failure` that names the need and what there is.
    static func check(_ shape: SupernetShape, shardImages: Int, processes: Int) throws(Failure) {
        let need = bytes(shape, shardImages: shardImages) * Double(max(processes, 1))
        let available = Double(ProcessInfo.processInfo.physicalMemory)
        guard need > available else { return }
        throw Failure(
            .usage,
            "a supernet of \(shape.channels) channels and \(shape.cells) cells a stage with \(shardImages) images a "
                + "shard is impossible here: \(processes) x \(gibibytes(need / Double(max(processes, 1)))) GiB of memory "
                + "are needed, \(gibibytes(available)) GiB are there; use fewer channels, cells, workers, or more shards"
        )
    }

    /// About so many bytes: tensors of the cells' nodes and operations, and each weight with gradient and momentum.
    static func bytes(_ shape: SupernetShape, shardImages: Int) -> Double {
        var floats = 0.0
        for stage in 0..<3 {
            let channels = Double(shape.channels) * Double(1 << stage)
            let pixels = Double(max(shape.imageSize >> stage, 1)) * Double(max(shape.imageSize >> stage, 1))
            floats +=
                Double(shape.cells) * (15 * channels * pixels * Double(shardImages) + 5 * 60 * channels * channels)
        }
        return 4 * floats
    }

    private static func gibibytes(_ bytes: Double) -> String {
        let value = bytes / 1_073_741_824
        return value < 10 ? "\((value * 10).rounded() / 10)" : "\(Int(min(value, 1e15)))"
    }
}
