import Kernels

/// A node's pooled value and its batch norm, which all edges that leave the node share.
final class PooledNode {
    enum Kind: Sendable {
        case maximum
        case average
    }

    let norm: OperationNorm
    let value: BlockedTensor
    private let kind: Kind
    private let stride: Int
    private let source: CellNode
    private let scratch: ShapeScratch
    /// (2, blocks × 8): Σ d and Σ d × value of each channel, d being the gradient of the normalised value.
    private let sums: UnsafeMutablePointer<Double>
    /// (4, blocks × 8).
    private let coefficients: UnsafeMutablePointer<Float>
    private var terms = WeightedTerms()

    init(_ kind: Kind, of source: CellNode, stride: Int, arena: Arena, store: ScratchStore) {
        self.kind = kind
        self.stride = stride
        self.source = source
        let channels = source.value.channels
        let size = source.value.height / stride
        value = arena.tensor(
            images: source.images, channels: channels, height: size, width: size, during: ShapeScratch.always)
        norm = OperationNorm(channels: channels, count: source.images * size * size, arena: arena)
        scratch = store.scratch(channels: channels, size: size)
        sums = arena.doubles(2 * scratch.padded)
        coefficients = arena.floats(4 * scratch.padded)
    }

    func forward() {
        norm.clearSums()
        for image in 0..<source.images {
            switch kind {
            case .maximum:
                MaximumPool3.forward(source.value, image: image, stride: stride, into: value, outputImage: image)
            case .average:
                StridedAveragePool3.forward(source.value, image: image, stride: stride, into: value, outputImage: image)
            }
            BatchNormalization.accumulateSums(value, image: image, into: norm.sums)
        }
        norm.takeStatistics()
    }

    func clearGradientSums() { sums.update(repeating: 0, count: 2 * scratch.padded) }

    /// Adds weight × d to the gradient of the normalised value, by its sums.
    func addGradientSums(weight: Double, dSum: UnsafePointer<Double>, dySum: UnsafePointer<Double>) {
        for channel in 0..<scratch.padded {
            sums[channel] += weight * dSum[channel]
            sums[scratch.padded + channel] += weight * dySum[channel]
        }
    }

    /// Once all sums are there: the gradient of the value will be Σ coefficient × d + b × value + constant.
    ///
    /// - Parameter gradients: d and the pooled value's weight, for each edge that leaves the node; at most four.
    func prepareBackward(_ gradients: [(d: BlockedTensor, weight: Double)]) {
        norm.prepareBackward(weight: 1, dSum: sums, dySum: sums + scratch.padded)
        terms = WeightedTerms()
        for (index, (d, weight)) in gradients.enumerated() {
            let coefficients = self.coefficients + index * scratch.padded
            for channel in 0..<scratch.padded { coefficients[channel] = norm.a[channel] * Float(weight) }
            terms.append(d, coefficients)
        }
        terms.append(value, norm.b)
    }

    /// Adds one image's gradient through norm and pooling to that of the node, after `prepareBackward`.
    func addGradient(_ image: Int, into gradient: BlockedTensor) {
        let dy = scratch.gradient
        WeightedSum.compute(terms, constants: norm.constants, image: image, into: ImageOf(dy, image: 0))
        switch kind {
        case .maximum:
            MaximumPool3.addAdjoint(
                dy, gradientImage: 0, x: source.value, y: value, image: image, stride: stride, into: gradient,
                inputImage: image)
        case .average:
            StridedAveragePool3.addAdjoint(
                dy, gradientImage: 0, stride: stride, into: gradient, inputImage: image)
        }
    }
}
