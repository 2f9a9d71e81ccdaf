import Kernels

/// A batch norm of a network, with the statistics of the last forward pass; affine or not. In a final network evaluations
/// use running statistics.
final class BatchNorm {
    let channels: Int
    /// Values a channel: images × pixels.
    let count: Int
    /// (blocks, 2, 8): filled by the convolution before it.
    let sums: UnsafeMutablePointer<Double>
    /// After `finishForward`, `scale` y + `shift` is weight × the normalised value. (blocks × 8) each.
    let scale: UnsafePointer<Float>
    let shift: UnsafePointer<Float>

    private let affine: Affine?
    private let mean: UnsafeMutablePointer<Double>
    private let inverseDeviation: UnsafeMutablePointer<Double>
    private let normalized: UnsafeMutablePointer<Double>
    /// (5, blocks × 8): scale, shift, and after `finishBackward` a, b, c of the gradient by y.
    private let coefficients: UnsafeMutablePointer<Float>

    private struct Affine {
        let range: Range<Int>
        /// (2, channels): γ and b.
        let values: UnsafeMutablePointer<Float>
        /// Of a final network.
        let running: (statistics: RunningStatistics, places: RunningStatistics.Places)?
    }

    private var padded: Int { (channels + 7) / 8 * 8 }

    convenience init(channels: Int, count: Int, arena: Arena) {
        self.init(channels: channels, count: count, arena: arena, affine: nil)
    }

    /// With affine parameters `name`.weight and `name`.bias.
    convenience init(
        channels: Int, count: Int, named name: String, in parameters: inout ParameterDirectory, arena: Arena,
        running: RunningStatistics? = nil
    ) {
        let gamma = parameters.append(name + ".weight", [channels], .constant(1))
        let bias = parameters.append(name + ".bias", [channels], .constant(0))
        self.init(
            channels: channels, count: count, arena: arena,
            affine: Affine(
                range: gamma.lowerBound..<bias.upperBound, values: arena.floats(2 * channels),
                running: running.map { ($0, $0.append(name, channels: channels)) }))
    }

    private init(channels: Int, count: Int, arena: Arena, affine: Affine?) {
        let padded = (channels + 7) / 8 * 8
        self.channels = channels
        self.count = count
        self.affine = affine
        sums = arena.doubles(2 * padded)
        mean = arena.doubles(padded)
        inverseDeviation = arena.doubles(padded)
        normalized = arena.doubles(padded)
        coefficients = arena.floats(5 * padded)
        scale = UnsafePointer(coefficients)
        shift = UnsafePointer(coefficients + padded)
    }

    func load(_ weights: UnsafePointer<Float>) {
        guard let affine else { return }
        affine.values.update(from: weights + affine.range.lowerBound, count: 2 * channels)
    }

    func clearSums() {
        sums.update(repeating: 0, count: 2 * padded)
    }

    /// Takes the statistics from `sums` (in an evaluation of a final network the running ones), and sets `scale` and `shift`.
    func finishForward(weight: Double) {
        if let (statistics, places) = affine?.running {
            statistics.take(
                places, sums: sums, channels: channels, count: count, mean: mean, inverseDeviation: inverseDeviation)
        } else {
            BatchNormalization.statistics(
                sums: sums, channels: channels, count: count, mean: mean, inverseDeviation: inverseDeviation)
        }
        BatchNormalization.forwardCoefficients(
            weight: weight, channels: channels, mean: mean, inverseDeviation: inverseDeviation,
            affine: affine.map { (UnsafePointer($0.values), UnsafePointer($0.values + channels)) },
            scale: coefficients, shift: coefficients + padded)
    }

    /// Sets the coefficients of `gradient`, where the output's gradient is weight × d.
    ///
    /// - Parameters:
    ///   - dSum, dySum: (blocks × 8), Σ d and Σ d y of each channel.
    /// - Returns: Σ d ẑ over all channels: the gradient of the operation's weight in its mixture.
    func finishBackward(weight: Double, dSum: UnsafePointer<Double>, dySum: UnsafePointer<Double>) -> Double {
        BatchNormalization.backwardCoefficients(
            weight: weight, channels: channels, count: count, mean: mean, inverseDeviation: inverseDeviation,
            gamma: affine.map { UnsafePointer($0.values) }, dSum: dSum, dySum: dySum, a: coefficients + 2 * padded,
            b: coefficients + 3 * padded, c: coefficients + 4 * padded, normalized: normalized)
        var total = 0.0
        for channel in 0..<channels { total += normalized[channel] }
        return total
    }

    /// What gives one image's gradient by y, after `finishBackward`.
    func gradient(_ y: BlockedTensor, into target: BlockedTensor, targetImage: Int) -> NormGradient.Norm {
        NormGradient.Norm(
            y: y, a: coefficients + 2 * padded, b: coefficients + 3 * padded, c: coefficients + 4 * padded,
            target: target, targetImage: targetImage)
    }

    /// After `finishBackward` with weight 1.
    func storeGradient(dSum: UnsafePointer<Double>, into flat: UnsafeMutablePointer<Float>) {
        guard let affine else { return }
        let target = flat + affine.range.lowerBound
        for channel in 0..<channels {
            target[channel] = Float(normalized[channel])
            target[channels + channel] = Float(dSum[channel])
        }
    }
}
