import Kernels

/// The running means and variances of a network's batch norms, with which they normalise in evaluations.
///
/// A training pass leaves here what every norm measured on its images; how that moves the running values is up to who
/// trains.
final class RunningStatistics {
    /// Where a norm has its own.
    struct Places {
        let mean: Range<Int>
        let variance: Range<Int>
    }

    /// Names, shapes and places, from 0 on, as in PyTorch's `named_buffers()`; without the counts of batches.
    private(set) var directory = ParameterDirectory()
    /// Whether norms use these rather than their images' statistics.
    var areUsed = false
    private var running: [Float] = []
    private var latest: [Float] = []

    /// Makes room for a norm's.
    func append(_ name: String, channels: Int) -> Places {
        let mean = directory.append(name + ".running_mean", [channels], .constant(0))
        let variance = directory.append(name + ".running_var", [channels], .constant(1))
        running += Array(repeating: 0, count: channels) + Array(repeating: 1, count: channels)
        latest += Array(repeating: 0, count: 2 * channels)
        return Places(mean: mean, variance: variance)
    }

    /// Takes all of them, in the directory's order.
    func load(_ values: UnsafePointer<Float>) {
        for i in running.indices { running[i] = values[i] }
    }

    /// Gives what the last training pass measured, in the directory's order.
    func store(into values: UnsafeMutablePointer<Float>) {
        for i in latest.indices { values[i] = latest[i] }
    }

    /// Mean and 1 / √(variance + ε) of each channel: the running ones where they are used, else those of the sums, which are
    /// noted.
    ///
    /// - Parameters: as of `BatchNormalization.statistics`.
    func take(
        _ places: Places, sums: UnsafePointer<Double>, channels: Int, count: Int, mean: UnsafeMutablePointer<Double>,
        inverseDeviation: UnsafeMutablePointer<Double>
    ) {
        guard !areUsed else {
            for channel in 0..<channels {
                mean[channel] = Double(running[places.mean.lowerBound + channel])
                let variance = Double(running[places.variance.lowerBound + channel])
                inverseDeviation[channel] = 1 / (variance + BatchNormalization.epsilon).squareRoot()
            }
            return
        }
        BatchNormalization.statistics(
            sums: sums, channels: channels, count: count, mean: mean, inverseDeviation: inverseDeviation)
        latest.withUnsafeMutableBufferPointer { latest in
            guard let base = latest.baseAddress else { return }
            BatchNormalization.sampleStatistics(
                sums: sums, channels: channels, count: count, mean: base + places.mean.lowerBound,
                variance: base + places.variance.lowerBound)
        }
    }
}
