extension BlockedTensor {
    /// A part of one image: whole blocks from `firstBlock` on, with so many channels.
    public func part(image: Int, firstBlock: Int, channels: Int) -> BlockedTensor {
        precondition((0..<images).contains(image) && firstBlock >= 0 && channels > 0)
        precondition(firstBlock * 8 + channels <= blocks * 8, "a part beyond the last block")
        return BlockedTensor(
            at: base + image * imagePitch + firstBlock * planePitch, images: 1, channels: channels, height: height,
            width: width, padding: padding)
    }

    /// The same pixels seen from (1, 1): every second pixel of it is a pixel with odd row and column. Only for readers of
    /// every second pixel, since the last row and column lie outside.
    public var shiftedByOne: BlockedTensor {
        BlockedTensor(
            at: base + rowPitch + 8, images: images, channels: channels, height: height, width: width,
            padding: padding)
    }

    /// The same pixels in fewer, longer rows of at most 64 pixels: what works pixel by pixel wastes less on the ends of
    /// rows. Without padding only.
    public var longRows: BlockedTensor {
        precondition(padding == 0, "padding separates rows")
        var factor = 1
        while height % (2 * factor) == 0 && width * 2 * factor <= 64 { factor *= 2 }
        return BlockedTensor(
            at: base, images: images, channels: channels, height: height / factor, width: width * factor)
    }

    /// Adds pixel (r, c) of one image of `source` to pixel (2r + offset, 2c + offset): the adjoint of taking every second
    /// pixel.
    public func addSpread(_ source: BlockedTensor, sourceImage: Int, offset: Int, image: Int) {
        precondition(source.channels == channels && height == 2 * source.height && width == 2 * source.width)
        Profile.enter("every second pixel", nil, source, floats: 3 * source.imageFloats)
        defer { Profile.leave() }
        for block in 0..<blocks {
            for line in 0..<source.height {
                let values = source.row(sourceImage, block, line)
                let target = row(image, block, 2 * line + offset) + offset
                for column in 0..<source.width { target[2 * column] += values[column] }
            }
        }
    }

    /// Sets every element of an image inside the padding to zero.
    public func clear(image: Int) {
        Profile.enter("zeros", nil, self, floats: imageFloats)
        defer { Profile.leave() }
        for block in 0..<blocks {
            for line in 0..<height { row(image, block, line).update(repeating: .zero, count: width) }
        }
    }

    /// Fills an image with standard normal values: one of 65,536 quantiles for each 16 bits of `draws`, the eight channels of
    /// a pixel from the words at its place, by (block, row, column).
    public func fillNormal(image: Int, _ draws: Philox) {
        Profile.enter("noise", nil, self, floats: imageFloats)
        defer { Profile.leave() }
        NormalQuantiles.table.withUnsafeBufferPointer { quantiles in
            for block in 0..<blocks {
                let lanes = min(8, channels - block * 8)
                for line in 0..<height {
                    let target = row(image, block, line)
                    for column in 0..<width {
                        let words = draws.words(at: (block * height + line) * width + column)
                        var value = Lanes.zero
                        for lane in 0..<lanes {
                            let word = words[lane / 2]
                            value[lane] = quantiles[Int(lane % 2 == 0 ? word & 0xFFFF : word >> 16)]
                        }
                        target[column] = value
                    }
                }
            }
        }
    }
}
