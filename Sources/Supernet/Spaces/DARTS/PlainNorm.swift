import Kernels

/// A batch norm without affine parameters: statistics of one tensor, and coefficients for what follows.
final class PlainNorm {
    let channels: Int
    /// Values a channel: images × pixels.
    let count: Int
    /// (blocks, 2, 8): Σ y and Σ y², filled by what computes y.
    let sums: UnsafeMutablePointer<Double>
    private let mean: UnsafeMutablePointer<Double>
    private let inverseDeviation: UnsafeMutablePointer<Double>
    private let normalized: UnsafeMutablePointer<Double>
    /// Forward: coefficient of y. Backward: coefficient of the output's gradient.
    let a: UnsafeMutablePointer<Float>
    /// Backward: coefficient of y.
    let b: UnsafeMutablePointer<Float>
    let constants: UnsafeMutablePointer<Float>

    init(channels: Int, count: Int, arena: Arena) {
        self.channels = channels
        self.count = count
        let padded = (channels + 7) / 8 * 8
        sums = arena.doubles(2 * padded)
        mean = arena.doubles(padded)
        inverseDeviation = arena.doubles(padded)
        normalized = arena.doubles(padded)
        a = arena.floats(padded)
        b = arena.floats(padded)
        constants = arena.floats(padded)
    }

    func clearSums() { sums.update(repeating: 0, count: (channels + 7) / 8 * 16) }

    /// Takes the statistics from `sums`.
    func takeStatistics() {
        BatchNormalization.statistics(
            sums: sums, channels: channels, count: count, mean: mean, inverseDeviation: inverseDeviation)
    }

    /// The normalised value is `a` y + `constants` now.
    func prepareForward() {
        normalized.update(repeating: 0, count: channels)
        addForward(weight: 1, coefficients: a, constants: normalized)
        for channel in 0..<channels { constants[channel] = Float(normalized[channel]) }
    }

    /// weight × the normalised value as coefficient × y + constant; the constant is added to what is there.
    func addForward(
        weight: Double, coefficients: UnsafeMutablePointer<Float>, constants: UnsafeMutablePointer<Double>
    ) {
        for channel in 0..<channels {
            let slope = weight * inverseDeviation[channel]
            coefficients[channel] = Float(slope)
            constants[channel] -= slope * mean[channel]
        }
    }

    /// `a` d + `b` y + `constants` becomes the gradient by y, where the gradient of the normalised value is weight × d.
    ///
    /// - Parameters:
    ///   - dSum: Σ d of each channel. - dySum: Σ d y of each channel.
    func prepareBackward(weight: Double, dSum: UnsafePointer<Double>, dySum: UnsafePointer<Double>) {
        BatchNormalization.backwardCoefficients(
            weight: weight, channels: channels, count: count, mean: mean, inverseDeviation: inverseDeviation,
            gamma: nil, dSum: dSum, dySum: dySum, a: a, b: b, c: constants, normalized: normalized)
    }

    /// Σ d ẑ over all channels: the gradient of the weight that the normalised value has in a mixture.
    func weightGradient(dSum: UnsafePointer<Double>, dySum: UnsafePointer<Double>) -> Double {
        var total = 0.0
        for channel in 0..<channels {
            total += inverseDeviation[channel] * (dySum[channel] - mean[channel] * dSum[channel])
        }
        return total
    }

    /// After `prepareBackward`: the gradient of one image of y into image 0 of `target`.
    func gradient(_ d: BlockedTensor, of y: BlockedTensor, _ image: Int, into target: BlockedTensor) {
        NormGradient.compute(
            d, image: image,
            NormGradient.Norm(y: y, a: a, b: b, c: constants, target: target, targetImage: 0))
    }
}
