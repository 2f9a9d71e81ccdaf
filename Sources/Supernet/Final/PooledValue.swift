import Kernels

/// A node's pooled value, which all edges that pool it alike share. There is no batch norm behind it, other than in a
/// supernet.
final class PooledValue {
    let kind: PooledNode.Kind
    let stride: Int
    let value: BlockedTensor
    private let source: CellNode
    private let scratch: ShapeScratch

    init(_ kind: PooledNode.Kind, of source: CellNode, stride: Int, arena: Arena, store: ScratchStore) {
        self.kind = kind
        self.stride = stride
        self.source = source
        let (channels, size) = (source.value.channels, source.value.height / stride)
        value = arena.tensor(
            images: source.images, channels: channels, height: size, width: size, during: ShapeScratch.always)
        scratch = store.scratch(channels: channels, size: size)
    }

    func forward() {
        for image in 0..<source.images {
            switch kind {
            case .maximum:
                MaximumPool3.forward(source.value, image: image, stride: stride, into: value, outputImage: image)
            case .average:
                StridedAveragePool3.forward(source.value, image: image, stride: stride, into: value, outputImage: image)
            }
        }
    }

    /// Adds one image's gradient to that of the node.
    ///
    /// - Parameter terms: what the value's gradient is the sum of.
    func addGradient(_ terms: borrowing WeightedTerms, _ image: Int, into gradient: BlockedTensor) {
        guard terms.count > 0 else { return }
        let dy = scratch.gradient
        WeightedSum.compute(terms, image: image, into: ImageOf(dy, image: 0))
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
