import Kernels

/// The calculation behind the paper's Proposition 1 on a toy cell: one edge with a skip connection and a convolution. Nothing is trained.
///
/// With the optimal feature map m*, the mixture ō = β_skip x + β_conv o(x), and β_skip + β_conv = 1, the variance
///
///     var(ō − m*) = β_skip² var(x − m*) + β_conv² var(o − m*) + 2 β_skip β_conv cov(x − m*, o − m*)
///
/// is smallest at
///
///     β_skip* = (var(o − m*) − cov) / (var(x − m*) + var(o − m*) − 2 cov),   β_conv* = (var(x − m*) − cov) / (the same),
///
/// cut to 0 ... 1: β_skip* is above one half exactly where the convolution's output is the farther one, whatever the convolution would
/// be worth once it is trained.
///
/// In the toy cell m* is a smooth random map and the input x is m* with noise. The convolution's weights go in equal steps from
/// a filter that takes most of the noise away to random ones.
public struct Proposition1: Sendable, Equatable {
    /// The convolution at one distance.
    public struct Row: Sendable, Equatable {
        /// The share of the random weights, 0 ... 1.
        public var randomShare: Double
        /// var(o − m*).
        public var convolution: Double
        /// var(x − m*).
        public var skip: Double
        /// cov(x − m*, o − m*).
        public var covariance: Double
        /// β_skip that a search finds, which sees nothing but var(ō − m*).
        public var found: Double

        /// β_skip* as above.
        public var closedForm: Double {
            min(max((convolution - covariance) / (convolution + skip - 2 * covariance), 0), 1)
        }
    }

    /// By rising share.
    public let rows: [Row]

    private static let (images, channels, size) = (16, 4, 8)
    private static let count = images * channels * size * size

    /// - Parameters:
    ///   - seed: of all draws; equal seeds give equal bits.
    ///   - steps: rows but the first; at least 1.
    public init(seed: UInt64, steps: Int = 12) {
        precondition(steps > 0)
        let smooth = Self.smoothing
        let optimal = Self.scaled(
            Self.convolved(Self.draws(seed, stream: 1, count: Self.count), smooth), deviation: 1)
        let input = zip(optimal, Self.draws(seed, stream: 2, count: Self.count)).map(+)
        // Convolutions are linear in their weights.
        let near = Self.convolved(input, smooth)
        let random = Self.scaled(
            Self.convolved(input, Self.draws(seed, stream: 3, count: smooth.count)), deviation: 2)
        let skipError = zip(input, optimal).map(-)
        rows = (0...steps).map { step in
            let share = Double(step) / Double(steps)
            let output = zip(near, random).map { (1 - share) * $0 + share * $1 }
            let error = zip(output, optimal).map(-)
            return Row(
                randomShare: share, convolution: Self.covariance(error, error),
                skip: Self.covariance(skipError, skipError), covariance: Self.covariance(skipError, error),
                found: Self.smallest { Self.mixtureVariance($0, input, output, optimal) })
        }
    }

    /// Where a function of 0 ... 1 with one minimum has it, to about 10⁻⁸ (golden section).
    static func smallest(_ value: (Double) -> Double) -> Double {
        let ratio = (5.0.squareRoot() - 1) / 2
        var (low, high) = (0.0, 1.0)
        var (left, right) = (1 - ratio, ratio)
        var (atLeft, atRight) = (value(left), value(right))
        while high - low > 1e-8 {
            if atLeft < atRight {
                (high, right, atRight) = (right, left, atLeft)
                left = high - ratio * (high - low)
                atLeft = value(left)
            } else {
                (low, left, atLeft) = (left, right, atRight)
                right = low + ratio * (high - low)
                atRight = value(right)
            }
        }
        return (low + high) / 2
    }

    /// var(ō − m*).
    private static func mixtureVariance(
        _ beta: Double, _ input: [Double], _ output: [Double], _ optimal: [Double]
    ) -> Double {
        var (sum, squares) = (0.0, 0.0)
        for i in optimal.indices {
            let error = beta * input[i] + (1 - beta) * output[i] - optimal[i]
            sum += error
            squares += error * error
        }
        let mean = sum / Double(optimal.count)
        return squares / Double(optimal.count) - mean * mean
    }

    private static func covariance(_ a: [Double], _ b: [Double]) -> Double {
        let means = (a.reduce(0, +) / Double(a.count), b.reduce(0, +) / Double(b.count))
        var sum = 0.0
        for i in a.indices { sum += (a[i] - means.0) * (b[i] - means.1) }
        return sum / Double(a.count)
    }

    private static func scaled(_ values: [Double], deviation: Double) -> [Double] {
        let factor = deviation / covariance(values, values).squareRoot()
        return values.map { factor * $0 }
    }

    private static func draws(_ seed: UInt64, stream: Int, count: Int) -> [Double] {
        let draws = Philox(seed: seed, purpose: .synthetic, context: 1, stream: stream)
        return (0..<count).map { Double(draws.normal(at: $0)) }
    }

    /// Weights (channels, channels, 3, 3) that smooth every channel by itself: (1, 2, 1)/4 in both directions.
    private static var smoothing: [Double] {
        var weights = [Double](repeating: 0, count: channels * channels * 9)
        for channel in 0..<channels {
            for tap in 0..<9 {
                weights[(channel * channels + channel) * 9 + tap] = [1, 2, 1][tap / 3] * [1, 2, 1][tap % 3] / 16
            }
        }
        return weights
    }

    /// A 3×3 convolution with padding 1, (images, channels, size, size) to the same.
    private static func convolved(_ x: [Double], _ weights: [Double]) -> [Double] {
        var result = [Double](repeating: 0, count: x.count)
        let plane = size * size
        for image in 0..<images {
            for output in 0..<channels {
                for channel in 0..<channels {
                    let (from, to) = ((image * channels + channel) * plane, (image * channels + output) * plane)
                    for tap in 0..<9 {
                        let weight = weights[(output * channels + channel) * 9 + tap]
                        if weight == 0 { continue }
                        let (down, right) = (tap / 3 - 1, tap % 3 - 1)
                        for row in max(0, -down)..<min(size, size - down) {
                            for column in max(0, -right)..<min(size, size - right) {
                                result[to + row * size + column] +=
                                    weight * x[from + (row + down) * size + column + right]
                            }
                        }
                    }
                }
            }
        }
        return result
    }
}
