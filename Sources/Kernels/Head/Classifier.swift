/// Global average pooling, the linear layer and the cross-entropy.
public enum Classifier {
    /// Means over pixels of max(z, 0), where z = scale x + shift, for each channel of one image.
    ///
    /// - Parameters:
    ///   - x: without padding. - scale, shift: (blocks × 8).
    ///   - features: (channels).
    public static func pool(
        _ x: BlockedTensor, image: Int, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
        into features: UnsafeMutablePointer<Float>
    ) {
        precondition(x.padding == 0, "no padding here")
        Profile.enter("global pool", nil, x, floats: x.imageFloats)
        defer { Profile.leave() }
        for block in 0..<x.blocks {
            let (a, c) = (lanes(scale, block), lanes(shift, block))
            let values = x.row(image, block, 0)
            var sum = Lanes.zero
            for pixel in 0..<x.pixels {
                let z = c.addingProduct(a, values[pixel])
                sum += z.replacing(with: Lanes.zero, where: z .<= Lanes.zero)
            }
            let factor = 1 / Float(x.pixels)
            for lane in 0..<min(8, x.channels - block * 8) { features[block * 8 + lane] = sum[lane] * factor }
        }
    }

    /// Gradient of `pool` by z: every pixel gets its channel's gradient over the number of pixels, where z > 0. And
    /// Σ dz to row 0 of `sums`, Σ dz x to row 1, which are added to.
    ///
    /// - Parameters:
    ///   - gradient: (channels).
    ///   - sums: (2, blocks × 8).
    public static func poolBackward(
        _ gradient: UnsafePointer<Float>, _ x: BlockedTensor, image: Int, scale: UnsafePointer<Float>,
        shift: UnsafePointer<Float>, into dz: BlockedTensor, sums: UnsafeMutablePointer<Double>
    ) {
        precondition(x.padding == 0 && dz.padding == 0 && x.sameShape(as: dz), "shapes do not fit")
        Profile.enter("global pool", nil, x, floats: 2 * x.imageFloats)
        defer { Profile.leave() }
        for block in 0..<x.blocks {
            var value = Lanes.zero
            for lane in 0..<min(8, x.channels - block * 8) {
                value[lane] = gradient[block * 8 + lane] / Float(x.pixels)
            }
            let (a, c) = (lanes(scale, block), lanes(shift, block))
            let values = x.row(image, block, 0)
            let target = dz.row(image, block, 0)
            for pixel in 0..<x.pixels {
                let z = c.addingProduct(a, values[pixel])
                target[pixel] = value.replacing(with: Lanes.zero, where: z .<= Lanes.zero)
            }
        }
        ChannelSums.accumulate(dz, x, image: image, into: sums)
    }

    /// logits = features × weightᵀ + bias. features (images, inputs), weight (classes, inputs).
    public static func linear(
        images: Int, inputs: Int, classes: Int, features: UnsafePointer<Float>, weight: UnsafePointer<Float>,
        bias: UnsafePointer<Float>, logits: UnsafeMutablePointer<Float>
    ) {
        Profile.enter(
            "classifier", nil, floats: images * (inputs + classes) + classes * inputs,
            multiplyAdds: images * inputs * classes)
        defer { Profile.leave() }
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
        Profile.enter(
            "classifier", nil, floats: 2 * (images * (inputs + classes) + classes * inputs),
            multiplyAdds: (dWeight == nil ? 1 : 2) * images * inputs * classes)
        defer { Profile.leave() }
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
    public static func softmax(
        _ values: UnsafePointer<Float>, count: Int, into probabilities: UnsafeMutablePointer<Double>
    ) {
        var largest = values[0]
        for i in 1..<max(count, 1) where values[i] > largest { largest = values[i] }
        var sum = 0.0
        for i in 0..<count {
            probabilities[i] = Elementary.exp(Double(values[i]) - Double(largest))
            sum += probabilities[i]
        }
        for i in 0..<count { probabilities[i] /= sum }
    }
}
