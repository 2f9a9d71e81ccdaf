import Kernels
import Supernet

/// A digest of a short fixed computation through every family of kernels: two processes with the same digest compute the
/// same bits.
///
/// Draws, forward, both gradients, both updates and every operation alone, on a supernet of each kind of space, with either
/// algorithm of convolution where it has one, whose channels fill blocks unevenly. Takes some milliseconds.
public enum NumericDigest {
    /// Runs the computation; the same value wherever numbers are the same bits.
    public static func compute() -> UInt64 {
        var digest = StateDigest()
        combine(.nasbench201, .direct, channels: 12, cells: 1, imageSize: 12, into: &digest)
        combine(.nasbench201, .winograd, channels: 12, cells: 1, imageSize: 16, into: &digest)
        combine(.darts, .direct, channels: 6, cells: 3, imageSize: 12, into: &digest)
        combine(.s4, .direct, channels: 6, cells: 3, imageSize: 12, into: &digest)
        return digest.value
    }

    private static func combine(
        _ space: SearchSpace, _ convolution: ConvolutionAlgorithm, channels: Int, cells: Int, imageSize: Int,
        into digest: inout StateDigest
    ) {
        let shape = SupernetShape(
            space: space.name, channels: channels, cells: cells, classes: 3, inputChannels: 3, imageSize: imageSize)
        guard let supernet = try? Supernet(shape: shape, shardImages: 2, convolution: convolution) else {
            preconditionFailure("the shape is possible")
        }
        let draws = Philox(seed: 201, purpose: .synthetic)
        let images = (0..<2 * 3 * imageSize * imageSize).map { draws.normal(at: $0) }
        let labels: [UInt8] = [2, 0]
        var weights = Supernet.initialWeights(supernet.parameters, seed: 201)
        var alphas = Supernet.initialAlphas(count: supernet.edges * supernet.operations, seed: 201).map { 300 * $0 }

        var gradient = [Float](repeating: 0, count: weights.count)
        var momentum = gradient
        supernet.load(weights: weights)
        supernet.load(alphas: alphas)
        var losses = [
            supernet.gradient(of: .weights, images: images, labels: labels, into: &gradient, ready: { _ in }).loss
        ]
        losses.append(VectorAddition.sumOfSquares(gradient, count: gradient.count))
        SGDUpdate(
            average: 0.5, clip: 0.75, weightDecay: 5e-4, momentum: 0.9, nesterov: true, learningRate: 0.025
        ).apply(gradientSum: gradient, weights: &weights, momentum: &momentum, count: weights.count)
        supernet.load(weights: weights)

        var alphasGradient = [Float](repeating: 0, count: alphas.count)
        var (first, second) = (alphasGradient, alphasGradient)
        losses.append(
            supernet.gradient(of: .alphas, images: images, labels: labels, into: &alphasGradient, ready: { _ in }).loss)
        AdamUpdate(
            average: 0.5, learningRate: 3e-4, beta1: 0.5, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-3, step: 3
        ).apply(
            gradientSum: alphasGradient, alphas: &alphas, first: &first, second: &second, count: alphas.count)
        supernet.load(alphas: alphas)

        for operation in 0..<supernet.operations {
            var choices = [EdgeChoice](repeating: .mixed, count: supernet.edges)
            choices[operation * supernet.edges / supernet.operations] = .single(operation)
            losses.append(supernet.evaluate(images: images, labels: labels, choices: choices).loss)
        }
        digest.combine(weights, count: weights.count)
        digest.combine(momentum, count: momentum.count)
        digest.combine(alphas, count: alphas.count)
        digest.combine(second, count: second.count)
        for loss in losses { digest.combine(loss.bitPattern) }
    }
}
