import Kernels

/// What the cells of one stage share while they compute: small tensors that stay in the level-2 cache.
///
/// Forward and backward passes take a few images at a time through all convolutions of a node's outgoing edges. Few, so
/// that their pixels stay in cache; not one, so that the weights of late stages, which are larger than the pixels, are
/// not fetched anew for each image.
final class StageScratch {
    /// Images at a time.
    let group: Int
    /// max(x, 0) of a node, padded: the input of all convolutions of its outgoing edges.
    let rectified: BlockedTensor
    /// Gradient of `rectified`.
    let dRectified: BlockedTensor
    /// Gradients of the outputs of an edge's convolutions, 1×1 and 3×3; padded as far as the kernel needs.
    let dy: [BlockedTensor]
    let pool: AveragePool3
    /// Tiles of the 3×3 convolutions; nil if they are computed directly.
    let tiles: TileScratch?
    /// (13, blocks × 8): sums of a node's gradient with what the node's edges added to it.
    let sums: UnsafeMutablePointer<Double>
    /// Channels, filled up to whole blocks.
    let paddedChannels: Int
    let ones: UnsafePointer<Float>
    /// Gradients by weights of a node's outgoing edges: [outgoing edge][convolution].
    let weightsGradients: [[UnsafeMutablePointer<Float>]]
    private let coefficients: UnsafeMutablePointer<Float>

    /// Images at a time, of so many: those that together are as large as the weights of a 3×3 convolution, which are
    /// fetched anew for each group; in Winograd's domain if it is computed there. All groups have about as many.
    static func group(images: Int, channels: Int, size: Int, usesWinograd: Bool) -> Int {
        // 36 C² weights and 36 C tiles of 4 × 4 pixels, or 9 C² and C pixels.
        let fair = max(1, (usesWinograd ? 16 : 9) * channels / (size * size))
        let groups = (images + fair - 1) / fair
        return (images + groups - 1) / groups
    }

    init(
        images: Int, channels: Int, size: Int, convolutions: [Convolution], algorithm: ConvolutionAlgorithm,
        arena: Arena
    ) {
        let usesWinograd = convolutions.contains { algorithm.usesWinograd($0, height: size, width: size) }
        group = Self.group(images: images, channels: channels, size: size, usesWinograd: usesWinograd)
        rectified = arena.tensor(images: group, channels: channels, height: size, width: size, padding: 1)
        dRectified = arena.tensor(images: group, channels: channels, height: size, width: size)
        dy = convolutions.map { [group] in
            arena.tensor(
                images: group, channels: channels, height: size, width: size, padding: $0.kernel / 2)
        }
        pool = AveragePool3(height: size, width: size, arena: arena)
        tiles =
            usesWinograd
            ? TileScratch(images: group, channels: channels, size: size, arena: arena) : nil
        paddedChannels = (channels + 7) / 8 * 8
        sums = arena.doubles(13 * paddedChannels)
        let ones = arena.floats(paddedChannels)
        ones.update(repeating: 1, count: paddedChannels)
        self.ones = UnsafePointer(ones)
        weightsGradients = (0..<3).map { [tiles] _ in
            convolutions.map { arena.floats(ConvolutionLayer.gradientCount($0, $0.kernel == 3 ? tiles : nil)) }
        }
        coefficients = arena.floats(7 * paddedChannels)
    }

    /// The same coefficient for every channel, in one of the slots 0 ..< 7, until the slot is taken again.
    func coefficient(_ value: Double, slot: Int) -> UnsafePointer<Float> {
        let target = coefficients + slot * paddedChannels
        target.update(repeating: Float(value), count: paddedChannels)
        return UnsafePointer(target)
    }

    /// (blocks × 8) of one sum.
    func sum(_ row: Int) -> UnsafePointer<Double> { UnsafePointer(sums + row * paddedChannels) }
}
