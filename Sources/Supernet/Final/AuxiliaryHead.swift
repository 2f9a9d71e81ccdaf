import Kernels

/// A second classifier on a network's way, used in training alone: quark0/darts' `AuxiliaryHeadCIFAR`.
///
/// ReLU, average pooling 5×5 with stride 3 (8×8 pixels become 2×2), a 1×1 convolution to 128 channels, batch norm, ReLU, a
/// 2×2 convolution to 768 channels, batch norm, ReLU, and the classifier. So few pixels are left that they are rows of
/// matrices here: (images × pixels, channels).
final class AuxiliaryHead {
    /// Pixels a side of the planes that it reads.
    static let size = 8
    private static let (middle, wide, pixels) = (128, 768, 4)

    let range: Range<Int>
    /// (images, classes), of the last training pass.
    let logits: UnsafeMutablePointer<Float>
    private let sources: [CellNode]
    private let images: Int
    private let channels: Int
    private let classes: Int
    private let first: DenseLayer
    private let firstNorm: RowNorm
    private let second: DenseLayer
    private let secondNorm: RowNorm
    private let classifier: DenseLayer
    /// (images × pixels, channels), (images × pixels, middle), (images, middle × pixels), (images, wide); and gradients.
    private let pooled, convolved, gathered, widened: UnsafeMutablePointer<Float>
    private let dPooled, dConvolved, dGathered, dWidened, dLogits: UnsafeMutablePointer<Float>

    /// - Parameter sources: the nodes of a cell, 8×8 pixels each.
    init(
        sources: [CellNode], classes: Int, parameters: inout ParameterDirectory, running: RunningStatistics,
        arena: Arena
    ) {
        self.sources = sources
        self.classes = classes
        images = sources[0].images
        channels = sources.reduce(0) { $0 + $1.value.channels }
        let start = parameters.count
        let name = "auxiliary_head."
        let (middle, wide, pixels) = (Self.middle, Self.wide, Self.pixels)
        first = DenseLayer(
            inputs: channels, outputs: middle, shape: [middle, channels, 1, 1], named: name + "features.2", bias: false,
            in: &parameters, arena: arena)
        firstNorm = RowNorm(
            rows: images * pixels, channels: middle, named: name + "features.3", in: &parameters, running: running,
            arena: arena)
        second = DenseLayer(
            inputs: middle * pixels, outputs: wide, shape: [wide, middle, 2, 2], named: name + "features.5",
            bias: false, in: &parameters, arena: arena)
        secondNorm = RowNorm(
            rows: images, channels: wide, named: name + "features.6", in: &parameters, running: running, arena: arena)
        classifier = DenseLayer(
            inputs: wide, outputs: classes, shape: [classes, wide], named: name + "classifier", bias: true,
            in: &parameters, arena: arena)
        range = start..<parameters.count
        (pooled, dPooled) = (arena.floats(images * pixels * channels), arena.floats(images * pixels * channels))
        (convolved, dConvolved) = (arena.floats(images * pixels * middle), arena.floats(images * pixels * middle))
        (gathered, dGathered) = (arena.floats(images * pixels * middle), arena.floats(images * pixels * middle))
        (widened, dWidened) = (arena.floats(images * wide), arena.floats(images * wide))
        (logits, dLogits) = (arena.floats(images * classes), arena.floats(images * classes))
    }

    func load(_ weights: UnsafePointer<Float>) {
        for layer in [first, second, classifier] { layer.load(weights) }
        for norm in [firstNorm, secondNorm] { norm.load(weights) }
    }

    /// A training pass, after that of the cell.
    /// - Returns: the cross-entropy summed over images.
    func forward(labels: UnsafePointer<UInt8>) -> Double {
        for image in 0..<images {
            var offset = image * Self.pixels * channels
            for source in sources {
                WindowAverage5.forward(source.rectified, image: image, into: pooled + offset, pitch: channels)
                offset += source.value.channels
            }
        }
        first.forward(pooled, rows: images * Self.pixels, into: convolved)
        firstNorm.forward(convolved)
        for image in 0..<images {
            for pixel in 0..<Self.pixels {
                let row = convolved + (image * Self.pixels + pixel) * Self.middle
                let target = gathered + image * Self.pixels * Self.middle + pixel
                for channel in 0..<Self.middle { target[channel * Self.pixels] = row[channel] }
            }
        }
        second.forward(gathered, rows: images, into: widened)
        secondNorm.forward(widened)
        classifier.forward(widened, rows: images, into: logits)
        return Classifier.crossEntropy(
            images: images, classes: classes, logits: logits, labels: labels, dLogits: dLogits
        ).loss
    }

    /// Adds the gradient of weight × the mean cross-entropy to the sources, before the cells after them do.
    func backward(weight: Double, weightsGradient: UnsafeMutablePointer<Float>) {
        for i in 0..<images * classes { dLogits[i] *= Float(weight) }
        classifier.backward(dLogits, widened, rows: images, into: dWidened, weightsGradient)
        secondNorm.backward(dWidened, output: widened, weightsGradient)
        second.backward(dWidened, gathered, rows: images, into: dGathered, weightsGradient)
        for image in 0..<images {
            for pixel in 0..<Self.pixels {
                let source = dGathered + image * Self.pixels * Self.middle + pixel
                let row = dConvolved + (image * Self.pixels + pixel) * Self.middle
                for channel in 0..<Self.middle { row[channel] = source[channel * Self.pixels] }
            }
        }
        firstNorm.backward(dConvolved, output: convolved, weightsGradient)
        first.backward(dConvolved, pooled, rows: images * Self.pixels, into: dPooled, weightsGradient)
        for image in 0..<images {
            var offset = image * Self.pixels * channels
            for source in sources {
                if !source.hasGradient { source.rectifiedGradient.clear(image: image) }
                WindowAverage5.addAdjoint(
                    dPooled + offset, pitch: channels, into: source.rectifiedGradient, image: image)
                offset += source.value.channels
            }
        }
        for source in sources { source.hasGradient = true }
    }
}

/// y = x Wᵀ, or with a bias, for rows of a matrix.
private final class DenseLayer {
    private let inputs: Int
    private let outputs: Int
    private let weights: Range<Int>
    private let bias: Range<Int>?
    /// Weights, then the bias or zeros.
    private let values: UnsafeMutablePointer<Float>
    /// Of a bias that is not there.
    private let unused: UnsafeMutablePointer<Float>

    init(
        inputs: Int, outputs: Int, shape: [Int], named name: String, bias hasBias: Bool,
        in parameters: inout ParameterDirectory, arena: Arena
    ) {
        self.inputs = inputs
        self.outputs = outputs
        let bound = 1 / Float(inputs).squareRoot()
        weights = parameters.append(name + ".weight", shape, .uniform(bound: bound))
        bias = hasBias ? parameters.append(name + ".bias", [outputs], .uniform(bound: bound)) : nil
        values = arena.floats(outputs * (inputs + 1))
        unused = arena.floats(outputs)
    }

    func load(_ flat: UnsafePointer<Float>) {
        values.update(from: flat + weights.lowerBound, count: weights.count)
        if let bias { (values + weights.count).update(from: flat + bias.lowerBound, count: outputs) }
    }

    func forward(_ x: UnsafePointer<Float>, rows: Int, into y: UnsafeMutablePointer<Float>) {
        Classifier.linear(
            images: rows, inputs: inputs, classes: outputs, features: x, weight: values, bias: values + weights.count,
            logits: y)
    }

    func backward(
        _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>, rows: Int, into dx: UnsafeMutablePointer<Float>,
        _ flat: UnsafeMutablePointer<Float>
    ) {
        Classifier.linearBackward(
            images: rows, inputs: inputs, classes: outputs, features: x, weight: values, dLogits: dy, dFeatures: dx,
            dWeight: flat + weights.lowerBound, dBias: bias.map { flat + $0.lowerBound } ?? unused)
    }
}

/// An affine batch norm and a rectifier on the rows of a matrix, in place.
private final class RowNorm {
    private let rows: Int
    private let channels: Int
    private let range: Range<Int>
    private let running: RunningStatistics
    private let places: RunningStatistics.Places
    /// (rows, channels): what came in.
    private let input: UnsafeMutablePointer<Float>
    /// (2, channels): γ and b.
    private let values: UnsafeMutablePointer<Float>
    /// (blocks, 2, 8)
    private let sums: UnsafeMutablePointer<Double>
    /// (channels) each.
    private let mean, inverseDeviation, dSum, dySum, normalized: UnsafeMutablePointer<Double>
    private let a, b, c: UnsafeMutablePointer<Float>

    init(
        rows: Int, channels: Int, named name: String, in parameters: inout ParameterDirectory,
        running: RunningStatistics, arena: Arena
    ) {
        self.rows = rows
        self.channels = channels
        self.running = running
        let gamma = parameters.append(name + ".weight", [channels], .constant(1))
        let bias = parameters.append(name + ".bias", [channels], .constant(0))
        range = gamma.lowerBound..<bias.upperBound
        places = running.append(name, channels: channels)
        input = arena.floats(rows * channels)
        values = arena.floats(2 * channels)
        sums = arena.doubles(2 * ((channels + 7) / 8 * 8))
        (mean, inverseDeviation) = (arena.doubles(channels), arena.doubles(channels))
        (dSum, dySum, normalized) = (arena.doubles(channels), arena.doubles(channels), arena.doubles(channels))
        (a, b, c) = (arena.floats(channels), arena.floats(channels), arena.floats(channels))
    }

    func load(_ flat: UnsafePointer<Float>) {
        values.update(from: flat + range.lowerBound, count: 2 * channels)
    }

    func forward(_ y: UnsafeMutablePointer<Float>) {
        input.update(from: y, count: rows * channels)
        for channel in 0..<channels {
            var (total, square) = (0.0, 0.0)
            for row in 0..<rows {
                let value = Double(y[row * channels + channel])
                total += value
                square += value * value
            }
            sums[channel / 8 * 16 + channel % 8] = total
            sums[channel / 8 * 16 + 8 + channel % 8] = square
        }
        running.take(
            places, sums: sums, channels: channels, count: rows, mean: mean, inverseDeviation: inverseDeviation)
        BatchNormalization.forwardCoefficients(
            weight: 1, channels: channels, mean: mean, inverseDeviation: inverseDeviation,
            affine: (UnsafePointer(values), UnsafePointer(values + channels)), scale: a, shift: b)
        for row in 0..<rows {
            let target = y + row * channels
            for channel in 0..<channels {
                let value = b[channel].addingProduct(a[channel], target[channel])
                target[channel] = value <= 0 ? 0 : value
            }
        }
    }

    /// The gradient of the output becomes that of the input.
    func backward(
        _ d: UnsafeMutablePointer<Float>, output: UnsafePointer<Float>, _ flat: UnsafeMutablePointer<Float>
    ) {
        for channel in 0..<channels { (dSum[channel], dySum[channel]) = (0, 0) }
        for row in 0..<rows {
            for channel in 0..<channels {
                let place = row * channels + channel
                if output[place] <= 0 { d[place] = 0 }
                dSum[channel] += Double(d[place])
                dySum[channel] += Double(d[place]) * Double(input[place])
            }
        }
        BatchNormalization.backwardCoefficients(
            weight: 1, channels: channels, count: rows, mean: mean, inverseDeviation: inverseDeviation, gamma: values,
            dSum: dSum, dySum: dySum, a: a, b: b, c: c, normalized: normalized)
        for channel in 0..<channels {
            flat[range.lowerBound + channel] = Float(normalized[channel])
            flat[range.lowerBound + channels + channel] = Float(dSum[channel])
        }
        for row in 0..<rows {
            for channel in 0..<channels {
                let place = row * channels + channel
                let constant = c[channel].addingProduct(a[channel], d[place])
                d[place] = constant.addingProduct(b[channel], input[place])
            }
        }
    }
}
