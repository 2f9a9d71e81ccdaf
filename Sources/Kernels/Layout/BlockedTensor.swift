/// Eight channels of one pixel: the unit of every kernel, on every processor.
typealias Lanes = SIMD8<Float>

/// Activations in blocks of eight channels: (images, blocks, padding + height + padding, padding + width + padding, 8).
///
/// A value that points into an `Arena`; the arena must outlive it. Channels beyond `channels` in the last block, and the
/// padding, are zero unless a kernel says otherwise. Used by the thread that owns the arena.
public struct BlockedTensor {
    /// The first float of the first image, padding included.
    public let base: UnsafeMutablePointer<Float>
    /// How many images.
    public let images: Int
    /// Channels in use; the last block may have more lanes.
    public let channels: Int
    /// Rows of a plane, without padding.
    public let height: Int
    /// Columns of a plane, without padding.
    public let width: Int
    /// Zero pixels on each side of a plane.
    public let padding: Int

    /// Blocks of eight channels.
    public var blocks: Int { (channels + 7) / 8 }
    /// Floats from one row to the next.
    public var rowPitch: Int { (width + 2 * padding) * 8 }
    /// Floats from one block to the next.
    public var planePitch: Int { (height + 2 * padding) * rowPitch }
    /// Floats from one image to the next.
    public var imagePitch: Int { blocks * planePitch }
    /// Pixels of a plane, without padding.
    public var pixels: Int { height * width }

    /// - Parameter base: 64-byte aligned, `count` floats of the same shape.
    public init(
        at base: UnsafeMutablePointer<Float>, images: Int, channels: Int, height: Int, width: Int, padding: Int = 0
    ) {
        precondition(images > 0 && channels > 0 && height > 0 && width > 0 && padding >= 0)
        (self.base, self.images, self.channels) = (base, images, channels)
        (self.height, self.width, self.padding) = (height, width, padding)
    }

    /// Floats that a tensor of this shape takes.
    public static func count(images: Int, channels: Int, height: Int, width: Int, padding: Int) -> Int {
        images * ((channels + 7) / 8) * (height + 2 * padding) * (width + 2 * padding) * 8
    }

    /// Some of the images, numbered from 0, in the same memory.
    public subscript(range: Range<Int>) -> BlockedTensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= images, "no such images")
        return BlockedTensor(
            at: base + range.lowerBound * imagePitch, images: range.count, channels: channels, height: height,
            width: width, padding: padding)
    }

    /// Lane 0 of pixel (0, 0) of a block of an image; a negative row or column is in the padding.
    @inline(__always)
    public func plane(_ image: Int, _ block: Int) -> UnsafeMutablePointer<Float> {
        base + image * imagePitch + block * planePitch + padding * (rowPitch + 8)
    }

    @inline(__always)
    func row(_ image: Int, _ block: Int, _ row: Int) -> UnsafeMutablePointer<Lanes> {
        UnsafeMutableRawPointer(plane(image, block) + row * rowPitch).assumingMemoryBound(to: Lanes.self)
    }

    func sameShape(as other: BlockedTensor) -> Bool {
        channels == other.channels && height == other.height && width == other.width
    }

    /// Copies one image from (channels, height, width).
    public func copyImage(_ image: Int, fromPlanar source: UnsafePointer<Float>) {
        Profile.enter("images into blocks", nil, self, floats: 2 * imageFloats)
        defer { Profile.leave() }
        for channel in 0..<channels {
            let target = plane(image, channel / 8) + channel % 8
            for y in 0..<height {
                for x in 0..<width {
                    target[y * rowPitch + x * 8] = source[(channel * height + y) * width + x]
                }
            }
        }
    }

    /// One image as (channels, height, width).
    public func planar(_ image: Int) -> [Float] {
        var result = [Float](repeating: 0, count: channels * pixels)
        for channel in 0..<channels {
            let source = plane(image, channel / 8) + channel % 8
            for y in 0..<height {
                for x in 0..<width { result[(channel * height + y) * width + x] = source[y * rowPitch + x * 8] }
            }
        }
        return result
    }
}
