import Kernels

/// The batch norm that an operation ends in: statistics of one tensor, and coefficients for what follows. In a supernet
/// without affine parameters; in a final network with them, and with running statistics.
final class OperationNorm {
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
    /// By image: whether the normalised value went nowhere, so that its gradient is zero; nil for no image. Set before
    /// `gradient`.
    var dropped: UnsafePointer<Bool>?
    private let affine: Affine?

    /// γ, b and running statistics.
    private struct Affine {
        let range: Range<Int>
        /// (2, channels): γ and b.
        let values: UnsafeMutablePointer<Float>
        /// The same of their gradients.
        let gradients: UnsafeMutablePointer<Float>
        /// (blocks × 8)
        let zeros: UnsafePointer<Float>
        let running: RunningStatistics
        let places: RunningStatistics.Places
    }

    /// Without affine parameters.
    convenience init(channels: Int, count: Int, arena: Arena) {
        self.init(channels: channels, count: count, arena: arena, affine: nil)
    }

    /// With affine parameters `name`.weight and `name`.bias.
    convenience init(
        channels: Int, count: Int, named name: String, in parameters: inout ParameterDirectory,
        running: RunningStatistics, arena: Arena
    ) {
        let gamma = parameters.append(name + ".weight", [channels], .constant(1))
        let bias = parameters.append(name + ".bias", [channels], .constant(0))
        self.init(
            channels: channels, count: count, arena: arena,
            affine: Affine(
                range: gamma.lowerBound..<bias.upperBound, values: arena.floats(2 * channels),
                gradients: arena.floats(2 * channels), zeros: UnsafePointer(arena.floats((channels + 7) / 8 * 8)),
                running: running, places: running.append(name, channels: channels)))
    }

    private init(channels: Int, count: Int, arena: Arena, affine: Affine?) {
        self.channels = channels
        self.count = count
        self.affine = affine
        let padded = (channels + 7) / 8 * 8
        sums = arena.doubles(2 * padded)
        mean = arena.doubles(padded)
        inverseDeviation = arena.doubles(padded)
        normalized = arena.doubles(padded)
        a = arena.floats(padded)
        b = arena.floats(padded)
        constants = arena.floats(padded)
    }

    func load(_ weights: UnsafePointer<Float>) {
        guard let affine else { return }
        affine.values.update(from: weights + affine.range.lowerBound, count: 2 * channels)
    }

    func clearSums() { sums.update(repeating: 0, count: (channels + 7) / 8 * 16) }

    /// Takes the statistics from `sums`; in an evaluation of a final network, the running ones.
    func takeStatistics() {
        guard let affine else {
            return BatchNormalization.statistics(
                sums: sums, channels: channels, count: count, mean: mean, inverseDeviation: inverseDeviation)
        }
        affine.running.take(
            affine.places, sums: sums, channels: channels, count: count, mean: mean, inverseDeviation: inverseDeviation)
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
            let slope = weight * (affine.map { Double($0.values[channel]) } ?? 1) * inverseDeviation[channel]
            coefficients[channel] = Float(slope)
            constants[channel] -= slope * mean[channel]
        }
        guard let affine else { return }
        for channel in 0..<channels { constants[channel] += weight * Double(affine.values[channels + channel]) }
    }

    /// `a` d + `b` y + `constants` becomes the gradient by y, where the gradient of the normalised value is weight × d.
    ///
    /// - Parameters:
    ///   - dSum: Σ d of each channel. - dySum: Σ d y of each channel.
    func prepareBackward(weight: Double, dSum: UnsafePointer<Double>, dySum: UnsafePointer<Double>) {
        BatchNormalization.backwardCoefficients(
            weight: weight, channels: channels, count: count, mean: mean, inverseDeviation: inverseDeviation,
            gamma: affine.map { UnsafePointer($0.values) }, dSum: dSum, dySum: dySum, a: a, b: b, c: constants,
            normalized: normalized)
        guard let affine else { return }
        for channel in 0..<channels {
            affine.gradients[channel] = Float(weight * normalized[channel])
            affine.gradients[channels + channel] = Float(weight * dSum[channel])
        }
    }

    /// Gives the gradients by γ and b, after `prepareBackward`.
    func storeGradient(into flat: UnsafeMutablePointer<Float>) {
        guard let affine else { return }
        (flat + affine.range.lowerBound).update(from: affine.gradients, count: 2 * channels)
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
        let isDropped = dropped.map { $0[image] } ?? false
        let a = isDropped ? affine?.zeros ?? UnsafePointer(a) : UnsafePointer(a)
        NormGradient.compute(
            d, image: image,
            NormGradient.Norm(y: y, a: a, b: b, c: constants, target: target, targetImage: 0))
    }
}
