import Kernels

/// A batch norm of the supernet, with the statistics of the last forward pass; affine or not.
final class BatchNorm {
    let channels: Int
    /// Values a channel: images × pixels.
    let count: Int
    private let gammaRange: Range<Int>?
    private let biasRange: Range<Int>?
    /// (blocks, 2, 8): filled by the convolution before it.
    let sums: UnsafeMutablePointer<Double>
    private let mean: UnsafeMutablePointer<Double>
    private let inverseDeviation: UnsafeMutablePointer<Double>
    private let gamma: UnsafeMutablePointer<Float>
    private let bias: UnsafeMutablePointer<Float>
    /// Forward: coefficient of y. Backward: of the output's gradient.
    let a: UnsafeMutablePointer<Float>
    /// Backward: coefficient of y.
    let b: UnsafeMutablePointer<Float>
    let constants: UnsafeMutablePointer<Float>
    private let exactConstants: UnsafeMutablePointer<Double>
    private let normalized: UnsafeMutablePointer<Double>

    private var padded: Int { (channels + 7) / 8 * 8 }
    private var isAffine: Bool { gammaRange != nil }

    init(channels: Int, count: Int, arena: Arena) {
        self.channels = channels
        self.count = count
        gammaRange = nil
        biasRange = nil
        (sums, mean, inverseDeviation, exactConstants, normalized) = Self.doubles(channels, arena)
        (gamma, bias, a, b, constants) = Self.floats(channels, arena)
    }

    /// With affine parameters `name`.weight and `name`.bias.
    init(
        channels: Int, count: Int, named name: String, in parameters: inout ParameterDirectory, arena: Arena
    ) {
        self.channels = channels
        self.count = count
        gammaRange = parameters.append(name + ".weight", [channels], .constant(1))
        biasRange = parameters.append(name + ".bias", [channels], .constant(0))
        (sums, mean, inverseDeviation, exactConstants, normalized) = Self.doubles(channels, arena)
        (gamma, bias, a, b, constants) = Self.floats(channels, arena)
    }

    private typealias Doubles = UnsafeMutablePointer<Double>
    private typealias Floats = UnsafeMutablePointer<Float>

    private static func doubles(_ channels: Int, _ arena: Arena) -> (Doubles, Doubles, Doubles, Doubles, Doubles) {
        let n = (channels + 7) / 8 * 8
        return (arena.doubles(2 * n), arena.doubles(n), arena.doubles(n), arena.doubles(n), arena.doubles(n))
    }

    private static func floats(_ channels: Int, _ arena: Arena) -> (Floats, Floats, Floats, Floats, Floats) {
        let n = (channels + 7) / 8 * 8
        return (arena.floats(n), arena.floats(n), arena.floats(n), arena.floats(n), arena.floats(n))
    }

    func load(_ weights: UnsafePointer<Float>) {
        guard let gammaRange, let biasRange else { return }
        gamma.update(from: weights + gammaRange.lowerBound, count: channels)
        bias.update(from: weights + biasRange.lowerBound, count: channels)
    }

    func clearSums() {
        sums.update(repeating: 0, count: 2 * padded)
    }

    /// Takes the statistics from `sums`; then `a` y + `constants` is `weight` × the normalised value.
    func finishForward(weight: Double) {
        BatchNormalization.statistics(
            sums: sums, channels: channels, count: count, mean: mean, inverseDeviation: inverseDeviation)
        exactConstants.update(repeating: 0, count: padded)
        BatchNormalization.forwardCoefficients(
            weight: weight, channels: channels, mean: mean, inverseDeviation: inverseDeviation,
            affine: isAffine ? (UnsafePointer(gamma), UnsafePointer(bias)) : nil, coefficients: a,
            constants: exactConstants)
        for channel in 0..<channels { constants[channel] = Float(exactConstants[channel]) }
    }

    /// `a` d + `b` y + `constants` becomes the gradient by y, where the output's gradient is weight × d.
    ///
    /// - Returns: Σ d ẑ over all channels: the gradient of the operation's weight in its mixture.
    func finishBackward(weight: Double, dSum: UnsafePointer<Double>, dySum: UnsafePointer<Double>) -> Double {
        BatchNormalization.backwardCoefficients(
            weight: weight, channels: channels, count: count, mean: mean, inverseDeviation: inverseDeviation,
            gamma: isAffine ? UnsafePointer(gamma) : nil, dSum: dSum, dySum: dySum, a: a, b: b, c: constants,
            normalized: normalized)
        var total = 0.0
        for channel in 0..<channels { total += normalized[channel] }
        return total
    }

    /// After `finishBackward` with weight 1.
    func storeGradient(dSum: UnsafePointer<Double>, into flat: UnsafeMutablePointer<Float>) {
        guard let gammaRange, let biasRange else { return }
        for channel in 0..<channels {
            flat[gammaRange.lowerBound + channel] = Float(normalized[channel])
            flat[biasRange.lowerBound + channel] = Float(dSum[channel])
        }
    }

    /// Where the affine parameters are; nil without them.
    var range: Range<Int>? {
        guard let gammaRange, let biasRange else { return nil }
        return gammaRange.lowerBound..<biasRange.upperBound
    }
}
