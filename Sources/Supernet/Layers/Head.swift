import Kernels

/// Affine batch norm, ReLU, global average pooling, the linear classifier and the cross-entropy.
final class Head {
    let range: Range<Int>
    let classes: Int
    /// (images, classes).
    let logits: UnsafeMutablePointer<Float>
    private let input: BlockedTensor
    private let norm: BatchNorm
    private let weightRange: Range<Int>
    private let biasRange: Range<Int>
    private let weights: UnsafeMutablePointer<Float>
    private let rectified: BlockedTensor
    private let dRectified: BlockedTensor
    private let features: UnsafeMutablePointer<Float>
    private let dFeatures: UnsafeMutablePointer<Float>
    private let dLogits: UnsafeMutablePointer<Float>
    private let sums: UnsafeMutablePointer<Double>
    private let sumsCount: Int

    init(input: BlockedTensor, classes: Int, parameters: inout ParameterDirectory, arena: Arena) {
        let start = parameters.count
        let channels = input.channels
        self.input = input
        self.classes = classes
        norm = BatchNorm(
            channels: channels, count: input.images * input.pixels, named: "lastact.0", in: &parameters, arena: arena)
        let bound = 1 / Float(channels).squareRoot()
        weightRange = parameters.append("classifier.weight", [classes, channels], .uniform(bound: bound))
        biasRange = parameters.append("classifier.bias", [classes], .uniform(bound: bound))
        range = start..<parameters.count
        weights = arena.floats(classes * (channels + 1))
        rectified = arena.tensor(images: input.images, channels: channels, height: input.height, width: input.width)
        dRectified = arena.tensor(images: input.images, channels: channels, height: input.height, width: input.width)
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
    func forward(labels: UnsafePointer<UInt8>, wantsGradient: Bool) -> (loss: Double, correct: Int) {
        let images = input.images
        norm.clearSums()
        for image in 0..<images { BatchNormalization.accumulateSums(input, image: image, into: norm.sums) }
        norm.finishForward(weight: 1)
        for image in 0..<images {
            WeightedSum.compute(
                [WeightedTerm(input, UnsafePointer(norm.a))], constants: UnsafePointer(norm.constants), image: image,
                into: rectified, targetImage: image, accumulate: false)
            Rectifier.forward(rectified, image: image, into: rectified, targetImage: image)
            Classifier.pool(rectified, image: image, into: features + image * input.channels)
        }
        Classifier.linear(
            images: images, inputs: input.channels, classes: classes, features: features, weight: weights,
            bias: weights + weightRange.count, logits: logits)
        return Classifier.crossEntropy(
            images: images, classes: classes, logits: logits, labels: labels, dLogits: wantsGradient ? dLogits : nil)
    }

    /// - Parameters:
    ///   - dx: receives the gradient of the mean cross-entropy by the input.
    ///   - weightsGradient: the whole flat gradient; nil if not wanted.
    func backward(into dx: BlockedTensor, weightsGradient: UnsafeMutablePointer<Float>?) {
        let images = input.images
        Classifier.linearBackward(
            images: images, inputs: input.channels, classes: classes, features: features, weight: weights,
            dLogits: dLogits, dFeatures: dFeatures, dWeight: weightsGradient.map { $0 + weightRange.lowerBound },
            dBias: weightsGradient.map { $0 + biasRange.lowerBound })
        sums.update(repeating: 0, count: 2 * sumsCount)
        for image in 0..<images {
            Classifier.poolBackward(
                dFeatures + image * input.channels, rectified: rectified, image: image, into: dRectified)
            ChannelSums.accumulate(dRectified, [input], image: image, into: sums)
        }
        _ = norm.finishBackward(weight: 1, dSum: sums, dySum: sums + sumsCount)
        if let weightsGradient { norm.storeGradient(dSum: sums, into: weightsGradient) }
        for image in 0..<images {
            WeightedSum.compute(
                [WeightedTerm(dRectified, UnsafePointer(norm.a)), WeightedTerm(input, UnsafePointer(norm.b))],
                constants: UnsafePointer(norm.constants), image: image, into: dx, targetImage: image, accumulate: false)
        }
    }
}
