import Kernels

/// A node of a cell, or the stem's output: its value and what those that read it share.
final class CellNode {
    let value: BlockedTensor
    /// max(value, 0), padded: serves all convolutions that read the node, in this cell and in later ones.
    let rectified: BlockedTensor
    /// Gradient of `rectified`, where `hasGradient`.
    let rectifiedGradient: BlockedTensor
    var hasGradient = false
    /// Whether alphas have a part in the value; if not, their gradient ends here.
    let dependsOnAlphas: Bool

    /// - Parameters:
    ///   - padding: of `rectified`; 0 where no depthwise convolution reads it.
    ///   - ticks: during which `rectifiedGradient` holds something.
    init(
        value: BlockedTensor, padding: Int, dependsOnAlphas: Bool, arena: Arena,
        gradientDuring ticks: ClosedRange<Int> = ShapeScratch.always
    ) {
        self.value = value
        self.dependsOnAlphas = dependsOnAlphas
        rectified = arena.tensor(
            images: value.images, channels: value.channels, height: value.height, width: value.width,
            padding: padding)
        rectifiedGradient = arena.tensor(
            images: value.images, channels: value.channels, height: value.height, width: value.width,
            during: ticks)
    }

    var images: Int { value.images }

    /// The gradient through the rectifier plus a weighted sum becomes that of the value: one image.
    ///
    /// - Parameter pool: for the value's size; nothing is pooled.
    func gatherGradient(
        _ terms: borrowing WeightedTerms, _ image: Int, pool: AveragePool3, into gradient: BlockedTensor
    ) {
        if hasGradient {
            WeightedSum.gradient(
                terms, pooled: WeightedTerms(), pool: pool, image: image, r: ImageOf(rectifiedGradient, image: image),
                x: ImageOf(value, image: image), into: ImageOf(gradient, image: image))
        } else {
            WeightedSum.compute(terms, image: image, into: ImageOf(gradient, image: image))
        }
    }
}
