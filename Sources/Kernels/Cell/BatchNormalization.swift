/// The arithmetic of batch normalisation per channel, on sums taken elsewhere.
///
/// ẑ = (y − μ) s with s = 1 / √(σ² + ε), σ² the biased variance, ε = 10⁻⁵; output z = γ ẑ + b.
public enum BatchNormalization {
    /// Added to a variance before the root is taken, as in PyTorch.
    public static let epsilon = 1e-5

    /// Mean and s of each channel from Σ y and Σ y².
    ///
    /// - Parameters:
    ///   - sums: (blocks, 2, 8), as `Convolution.forward` adds them.
    ///   - count: values a channel, images × pixels.
    public static func statistics(
        sums: UnsafePointer<Double>, channels: Int, count: Int, mean: UnsafeMutablePointer<Double>,
        inverseDeviation: UnsafeMutablePointer<Double>
    ) {
        for channel in 0..<channels {
            let sum = sums[channel / 8 * 16 + channel % 8]
            let square = sums[channel / 8 * 16 + 8 + channel % 8]
            let average = sum / Double(count)
            let variance = max(square / Double(count) - average * average, 0)
            mean[channel] = average
            inverseDeviation[channel] = 1 / (variance + epsilon).squareRoot()
        }
    }

    /// Mean and unbiased variance of each channel from the same sums: what running statistics are made of.
    public static func sampleStatistics(
        sums: UnsafePointer<Double>, channels: Int, count: Int, mean: UnsafeMutablePointer<Float>,
        variance: UnsafeMutablePointer<Float>
    ) {
        for channel in 0..<channels {
            let sum = sums[channel / 8 * 16 + channel % 8]
            let square = sums[channel / 8 * 16 + 8 + channel % 8]
            let average = sum / Double(count)
            mean[channel] = Float(average)
            variance[channel] = Float(max(square - average * sum, 0) / Double(max(count - 1, 1)))
        }
    }

    /// Σ y and Σ y² of one image's channels, added to `sums` (blocks, 2, 8): single precision within a row.
    public static func accumulateSums(_ y: BlockedTensor, image: Int, into sums: UnsafeMutablePointer<Double>) {
        Profile.enter("sums for norms and β", nil, y, floats: y.imageFloats)
        defer { Profile.leave() }
        for block in 0..<y.blocks {
            for row in 0..<y.height {
                let values = y.row(image, block, row)
                var total = Lanes.zero
                var square = Lanes.zero
                for column in 0..<y.width {
                    total += values[column]
                    square.addProduct(values[column], values[column])
                }
                for lane in 0..<8 {
                    sums[block * 16 + lane] += Double(total[lane])
                    sums[block * 16 + 8 + lane] += Double(square[lane])
                }
            }
        }
    }

    /// weight × z as scale × y + shift: scale = weight γ s, shift = weight (b − γ s μ), per channel.
    ///
    /// - Parameter affine: γ and b; nil for 1 and 0.
    public static func forwardCoefficients(
        weight: Double, channels: Int, mean: UnsafePointer<Double>, inverseDeviation: UnsafePointer<Double>,
        affine: (gamma: UnsafePointer<Float>, bias: UnsafePointer<Float>)?,
        scale: UnsafeMutablePointer<Float>, shift: UnsafeMutablePointer<Float>
    ) {
        for c in 0..<channels {
            let slope = weight * (affine.map { Double($0.gamma[c]) } ?? 1) * inverseDeviation[c]
            scale[c] = Float(slope)
            shift[c] = Float(weight * (affine.map { Double($0.bias[c]) } ?? 0) - slope * mean[c])
        }
    }

    /// dy as a d + b y + c, where the output's gradient is weight × d.
    ///
    /// - Parameters:
    ///   - dSum: Σ d of each channel. - dySum: Σ d y of each channel.
    ///   - normalized: receives Σ d ẑ of each channel: the gradient of γ (for weight 1), and summed over channels that
    ///     of the operation's β.
    public static func backwardCoefficients(
        weight: Double, channels: Int, count: Int, mean: UnsafePointer<Double>,
        inverseDeviation: UnsafePointer<Double>, gamma: UnsafePointer<Float>?, dSum: UnsafePointer<Double>,
        dySum: UnsafePointer<Double>, a: UnsafeMutablePointer<Float>, b: UnsafeMutablePointer<Float>,
        c constants: UnsafeMutablePointer<Float>, normalized: UnsafeMutablePointer<Double>
    ) {
        for channel in 0..<channels {
            let s = inverseDeviation[channel]
            let dz = s * (dySum[channel] - mean[channel] * dSum[channel])
            normalized[channel] = dz
            let slope = weight * (gamma.map { Double($0[channel]) } ?? 1) * s
            let perY = -slope * s * dz / Double(count)
            a[channel] = Float(slope)
            b[channel] = Float(perY)
            constants[channel] = Float(-slope * dSum[channel] / Double(count) - perY * mean[channel])
        }
    }
}
