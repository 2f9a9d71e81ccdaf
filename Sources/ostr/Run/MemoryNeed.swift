import Foundation
import Supernet

/// Whether networks of a shape fit into this machine's memory: to be asked before any of it is taken.
enum MemoryNeed {
    /// - Throws: `Failure` that names the need and what there is.
    static func check(
        _ shape: SupernetShape, isNetwork: Bool = false, shardImages: Int, processes: Int
    ) throws(Failure) {
        let need = bytes(shape, isNetwork: isNetwork, shardImages: shardImages) * Double(max(processes, 1))
        let available = Double(ProcessInfo.processInfo.physicalMemory)
        guard need > available else { return }
        throw Failure(
            .usage,
            "a \(shape.space) \(isNetwork ? "network" : "supernet") of \(shape.channels) channels and \(shape.cells) cells with \(shardImages) images a "
                + "shard is impossible here: \(processes) x \(gibibytes(need / Double(max(processes, 1)))) GiB of memory "
                + "are needed, \(gibibytes(available)) GiB are there; use fewer channels, cells, workers, or more shards"
        )
    }

    /// About so many bytes: tensors of the cells' nodes and operations, and each weight with gradient and momentum.
    ///
    /// - Parameter isNetwork: of chosen cells, with one operation an edge.
    static func bytes(_ shape: SupernetShape, isNetwork: Bool = false, shardImages: Int) -> Double {
        var floats = 0.0
        for (cells, stage) in stages(shape) {
            let channels = Double(shape.channels) * Double(1 << stage)
            let pixels = Double(max(shape.imageSize >> stage, 1)) * Double(max(shape.imageSize >> stage, 1))
            let tensors = channels * pixels * Double(shardImages)
            let squares = channels * channels
            if isNetwork {
                let perCell = shape.space == SearchSpace.nasbench201.name ? 14.0 : 25
                floats += cells * (perCell * tensors + 5 * 60 * squares)
                continue
            }
            floats +=
                shape.space != SearchSpace.nasbench201.name
                ? cells * (130 * tensors + 5 * (100 * squares + 1500 * channels))
                : cells * (15 * tensors + 5 * 60 * squares)
        }
        return 4 * floats
    }

    /// Cells with so many halvings of the size before them.
    private static func stages(_ shape: SupernetShape) -> [(cells: Double, stage: Int)] {
        let cells = Double(shape.cells)
        guard shape.space != SearchSpace.nasbench201.name else { return (0..<3).map { (cells, $0) } }
        return (0..<3).map { (cells / 3, $0) }
    }

    private static func gibibytes(_ bytes: Double) -> String {
        let value = bytes / 1_073_741_824
        return value < 10 ? "\((value * 10).rounded() / 10)" : "\(Int(min(value, 1e15)))"
    }
}
