import Kernels

/// Affine batch norm, ReLU, global average pooling, the linear classifier and the cross-entropy.
final class Head {
    let range: Range<Int>
    let classes: Int
    /// (images, classes).
    let logits: UnsafeMutablePointer<Float>
    private let input: Signal
    private let norm: BatchNorm
    private let weightRange: Range<Int>
    private let biasRange: Range<Int>
    private let weights: UnsafeMutablePointer<Float>
    /// Gradient of the normalised input.
    private let dNormalized: BlockedTensor
    private let features: UnsafeMutablePointer<Float>
    private let dFeatures: UnsafeMutablePointer<Float>
    private let dLogits: UnsafeMutablePointer<Float>
    private let sums: UnsafeMutablePointer<Double>
    private let sumsCount: Int

    init(
        input: Signal, classes: Int, parameters: inout ParameterDirectory, memory: LayerMemory,
        running: RunningStatistics? = nil
    ) {
        let arena = memory.arena
        let start = parameters.count
        let channels = input.channels
        self.input = input
        self.classes = classes
        norm = BatchNorm(
            channels: channels, count: input.images * input.pixels, named: "lastact.0", in: &parameters, arena: arena,
            running: running)
        let bound = 1 / Float(channels).squareRoot()
        weightRange = parameters.append("classifier.weight", [classes, channels], .uniform(bound: bound))
        biasRange = parameters.append("classifier.bias", [classes], .uniform(bound: bound))
        range = start..<parameters.count
        weights = arena.floats(classes * (channels + 1))
        dNormalized = memory.backward(
            LayerMemory.Shape(images: input.images, channels: channels, size: input.height))
        features = arena.floats(input.images * channels)
        dFeatures = arena.floats(input.images * channels)
        logits = arena.floats(input.images * classes)
        dLogits = arena.floats(input.images * classes)
        sumsCount = (channels + 7) / 8 * 8
        sums = arena.doubles(2 * sumsCount)
    }

    var multiplyAdds: Int { input.channels * classes }

    func load(_ flat: UnsafePointer<Float>) {
        norm.load(flat)
        weights.update(from: flat + weightRange.lowerBound, count: weightRange.count + biasRange.count)
    }

    /// - Returns: the cross-entropy summed over images, and correct predictions.
    func forward(labels: UnsafePointer<UInt8>, _ pass: ForwardPass) -> (loss: Double, correct: Int) {
        let (images, x) = (input.images, input[pass])
        norm.clearSums()
        for image in 0..<images { BatchNormalization.accumulateSums(x, image: image, into: norm.sums) }
        norm.finishForward(weight: 1)
        for image in 0..<images {
            Classifier.pool(
                x, image: image, scale: norm.scale, shift: norm.shift, into: features + image * input.channels)
        }
        Classifier.linear(
            images: images, inputs: input.channels, classes: classes, features: features, weight: weights,
            bias: weights + weightRange.count, logits: logits)
        return Classifier.crossEntropy(
            images: images, classes: classes, logits: logits, labels: labels,
            dLogits: pass == .training ? dLogits : nil)
    }

    /// Leaves the gradient of the mean cross-entropy by the input, after a training forward pass.
    ///
    /// - Parameter weightsGradient: the whole flat gradient; nil if not wanted.
    func backward(weightsGradient: UnsafeMutablePointer<Float>?) {
        let (images, x) = (input.images, input.training)
        Classifier.linearBackward(
            images: images, inputs: input.channels, classes: classes, features: features, weight: weights,
            dLogits: dLogits, dFeatures: dFeatures, dWeight: weightsGradient.map { $0 + weightRange.lowerBound },
            dBias: weightsGradient.map { $0 + biasRange.lowerBound })
        sums.update(repeating: 0, count: 2 * sumsCount)
        for image in 0..<images {
            Classifier.poolBackward(
                dFeatures + image * input.channels, x, image: image, scale: norm.scale, shift: norm.shift,
                into: dNormalized, sums: sums)
        }
        _ = norm.finishBackward(weight: 1, dSum: sums, dySum: sums + sumsCount)
        if let weightsGradient { norm.storeGradient(dSum: sums, into: weightsGradient) }
        for image in 0..<images {
            NormGradient.compute(
                dNormalized, image: image, norm.gradient(x, into: input.gradient, targetImage: image))
        }
    }
}
