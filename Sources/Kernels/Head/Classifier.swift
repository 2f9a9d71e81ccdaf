/// Global average pooling, the linear layer and the cross-entropy.
public enum Classifier {
    /// Means over pixels of each channel of each image: (images, channels).
    public static func pool(_ x: BlockedTensor, image: Int, into features: UnsafeMutablePointer<Float>) {
        for block in 0..<x.blocks {
            var sum = Lanes.zero
            for row in 0..<x.height {
                let values = x.row(image, block, row)
                for column in 0..<x.width { sum += values[column] }
            }
            let scale = 1 / Float(x.pixels)
            for lane in 0..<min(8, x.channels - block * 8) { features[block * 8 + lane] = sum[lane] * scale }
        }
    }

    /// Gradient of `pool`: every pixel gets its channel's gradient over the number of pixels, where x > 0 (the pooling
    /// follows a rectifier).
    public static func poolBackward(
        _ gradient: UnsafePointer<Float>, rectified x: BlockedTensor, image: Int, into dx: BlockedTensor
    ) {
        for block in 0..<x.blocks {
            var value = Lanes.zero
            for lane in 0..<min(8, x.channels - block * 8) {
                value[lane] = gradient[block * 8 + lane] / Float(x.pixels)
            }
            for row in 0..<x.height {
                let source = x.row(image, block, row)
                let target = dx.row(image, block, row)
                for column in 0..<x.width {
                    target[column] = value.replacing(with: Lanes.zero, where: source[column] .<= Lanes.zero)
                }
            }
        }
    }

    /// logits = features × weightᵀ + bias. features (images, inputs), weight (classes, inputs).
    public static func linear(
        images: Int, inputs: Int, classes: Int, features: UnsafePointer<Float>, weight: UnsafePointer<Float>,
        bias: UnsafePointer<Float>, logits: UnsafeMutablePointer<Float>
    ) {
        for image in 0..<images {
            for c in 0..<classes {
                var sum = bias[c]
                let row = weight + c * inputs
                let x = features + image * inputs
                for i in 0..<inputs { sum.addProduct(x[i], row[i]) }
                logits[image * classes + c] = sum
            }
        }
    }

    /// Gradients of `linear`; those of weight and bias are skipped when their pointer is nil.
    public static func linearBackward(
        images: Int, inputs: Int, classes: Int, features: UnsafePointer<Float>, weight: UnsafePointer<Float>,
        dLogits: UnsafePointer<Float>, dFeatures: UnsafeMutablePointer<Float>, dWeight: UnsafeMutablePointer<Float>?,
        dBias: UnsafeMutablePointer<Float>?
    ) {
        for image in 0..<images {
            let target = dFeatures + image * inputs
            for i in 0..<inputs { target[i] = 0 }
            for c in 0..<classes {
                let d = dLogits[image * classes + c]
                let row = weight + c * inputs
                for i in 0..<inputs { target[i].addProduct(d, row[i]) }
            }
        }
        guard let dWeight, let dBias else { return }
        for c in 0..<classes {
            let row = dWeight + c * inputs
            for i in 0..<inputs { row[i] = 0 }
            var bias: Float = 0
            for image in 0..<images {
                let d = dLogits[image * classes + c]
                bias += d
                let x = features + image * inputs
                for i in 0..<inputs { row[i].addProduct(d, x[i]) }
            }
            dBias[c] = bias
        }
    }

    /// Cross-entropy of each image's logits in `Double`, summed in image order, and how many are classified correctly
    /// (the first of the largest logits counts).
    ///
    /// - Parameter dLogits: receives the gradient of the mean cross-entropy; nil if not wanted.
    public static func crossEntropy(
        images: Int, classes: Int, logits: UnsafePointer<Float>, labels: UnsafePointer<UInt8>,
        dLogits: UnsafeMutablePointer<Float>?
    ) -> (loss: Double, correct: Int) {
        var loss = 0.0
        var correct = 0
        for image in 0..<images {
            let row = logits + image * classes
            let label = Int(labels[image])
            precondition(label < classes, "a label is not below the number of classes")
            var best = 0
            for c in 1..<max(classes, 1) where row[c] > row[best] { best = c }
            if best == label { correct += 1 }
            var sum = 0.0
            for c in 0..<classes { sum += Elementary.exp(Double(row[c]) - Double(row[best])) }
            loss += Elementary.log(sum) - (Double(row[label]) - Double(row[best]))
            guard let dLogits else { continue }
            for c in 0..<classes {
                let probability = Elementary.exp(Double(row[c]) - Double(row[best])) / sum
                dLogits[image * classes + c] = Float((probability - (c == label ? 1 : 0)) / Double(images))
            }
        }
        return (loss, correct)
    }

    /// softmax of one row of `count` values, in `Double`.
    public static func softmax(_ values: UnsafePointer<Float>, count: Int) -> [Double] {
        var largest = values[0]
        for i in 1..<max(count, 1) where values[i] > largest { largest = values[i] }
        let powers = (0..<count).map { Elementary.exp(Double(values[$0]) - Double(largest)) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }
}
