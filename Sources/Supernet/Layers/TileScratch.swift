import Kernels

/// Memory for the tiles of a group of images, in which the 3×3 convolutions of a node are computed by Winograd.
///
/// One set of tiles of the node serves all its convolutions, forward and by weights; their gradients by input add up
/// before one transform back.
final class TileScratch {
    /// Of the node's rectified images.
    let input: TransformedTiles
    /// Of a gradient of an output.
    let gradient: TransformedTiles
    /// Of an output, or of the gradient of the input.
    let products: TransformedTiles
    /// An output while its products are computed.
    let ahead: Prefetch
    private let strip: UnsafeMutablePointer<Float>
    private let size: Int

    /// - Parameters:
    ///   - images: of a group. - size: height and width of a plane.
    init(images: Int, channels: Int, size: Int, arena: Arena) {
        let tiles = images * WinogradConvolution.tiles(height: size, width: size)
        input = TransformedTiles(channels: channels, capacity: tiles, arena: arena)
        gradient = TransformedTiles(channels: channels, capacity: tiles, arena: arena)
        products = TransformedTiles(channels: channels, capacity: tiles, arena: arena)
        ahead = Prefetch(arena: arena)
        strip = arena.floats(TransformedTiles.stripCount(width: size))
        self.size = size
    }

    /// Tiles of the first so many images.
    func tiles(_ images: Int) -> Int { images * WinogradConvolution.tiles(height: size, width: size) }

    /// Takes the first images of a node, rectified and padded.
    func load(_ x: BlockedTensor, images: Int) {
        for image in 0..<images {
            input.transformInput(x, image: image, tileRows: 0..<size / 4, at: tiles(image), strip: strip)
        }
    }

    /// Takes the images from `first` on of a gradient of an output.
    func loadGradient(_ dy: BlockedTensor, first: Int, images: Int) {
        for image in 0..<images {
            gradient.transformGradient(
                dy, image: first + image, tileRows: 0..<size / 4, at: tiles(image), strip: strip)
        }
    }

    /// Gives the first images of what the last products are.
    ///
    /// - Parameters:
    ///   - y: receives the images from `first` on.
    ///   - sums: of a batch norm behind it.
    func store(into y: BlockedTensor, first: Int, images: Int, sums: UnsafeMutablePointer<Double>?) {
        for image in 0..<images {
            products.transformOutput(
                into: y, image: first + image, tileRows: 0..<size / 4, from: tiles(image), sums: sums, strip: strip)
        }
    }

    /// Gives the first images of the gradient of the input that the last products add up to.
    ///
    /// - Parameter accumulate: whether they are added to what is in `dx`.
    func storeInputGradient(into dx: BlockedTensor, images: Int, accumulate: Bool) {
        for image in 0..<images {
            products.transformInputGradient(
                into: dx, image: image, from: tiles(image), accumulate: accumulate, strip: strip)
        }
    }
}
