import Kernels

/// Global average pooling, the linear classifier and the cross-entropy.
final class DARTSHead {
    let range: Range<Int>
    /// (images, classes).
    let logits: UnsafeMutablePointer<Float>
    private let classes: Int
    private let inputs: Int
    private let pieces: [BlockedTensor]
    private let weightRange: Range<Int>
    private let biasRange: Range<Int>
    private let weights: UnsafeMutablePointer<Float>
    private let features: UnsafeMutablePointer<Float>
    private let dFeatures: UnsafeMutablePointer<Float>
    private let dLogits: UnsafeMutablePointer<Float>

    /// - Parameter pieces: the last cell's nodes, all of one shape.
    init(pieces: [BlockedTensor], classes: Int, parameters: inout ParameterDirectory, arena: Arena) {
        let start = parameters.count
        self.pieces = pieces
        self.classes = classes
        inputs = pieces.reduce(0) { $0 + $1.channels }
        let bound = 1 / Float(inputs).squareRoot()
        weightRange = parameters.append("classifier.weight", [classes, inputs], .uniform(bound: bound))
        biasRange = parameters.append("classifier.bias", [classes], .uniform(bound: bound))
        range = start..<parameters.count
        let images = pieces[0].images
        weights = arena.floats(classes * (inputs + 1))
        features = arena.floats(images * inputs)
        dFeatures = arena.floats(images * inputs)
        logits = arena.floats(images * classes)
        dLogits = arena.floats(images * classes)
    }

    var multiplyAdds: Int { inputs * classes }

    func load(_ flat: UnsafePointer<Float>) {
        weights.update(from: flat + weightRange.lowerBound, count: weightRange.count + biasRange.count)
    }

    /// - Returns: the cross-entropy summed over images, and correct predictions.
    func forward(labels: UnsafePointer<UInt8>, wantsGradient: Bool) -> (loss: Double, correct: Int) {
        let images = pieces[0].images
        for image in 0..<images {
            for (index, piece) in pieces.enumerated() {
                GlobalAveragePool.forward(piece, image: image, into: features + image * inputs + index * piece.channels)
            }
        }
        Classifier.linear(
            images: images, inputs: inputs, classes: classes, features: features, weight: weights,
            bias: weights + weightRange.count, logits: logits)
        return Classifier.crossEntropy(
            images: images, classes: classes, logits: logits, labels: labels, dLogits: wantsGradient ? dLogits : nil)
    }

    /// - Parameter weightsGradient: the whole flat gradient; nil if not wanted.
    func backward(weightsGradient: UnsafeMutablePointer<Float>?) {
        Classifier.linearBackward(
            images: pieces[0].images, inputs: inputs, classes: classes, features: features, weight: weights,
            dLogits: dLogits, dFeatures: dFeatures, dWeight: weightsGradient.map { $0 + weightRange.lowerBound },
            dBias: weightsGradient.map { $0 + biasRange.lowerBound })
    }

    /// After `backward`: the gradient of one image of a piece.
    func gradient(piece: Int, _ image: Int, into gradient: BlockedTensor) {
        GlobalAveragePool.backward(
            dFeatures + image * inputs + piece * pieces[piece].channels, into: gradient, image: image)
    }
}
