extension Convolution {
    /// Floats of a weights gradient in blocks: (output blocks, input blocks, height, width, input lanes, 8).
    public var gradientCount: Int { outputBlocks * inputBlocks * kernel * kernel * 64 }

    /// Adds one image's gradient by weights to `gradient`, which is in blocks.
    ///
    /// Within an image each element is one chain of fused multiply-adds over output rows and columns; images are added
    /// one after the other.
    ///
    /// - Parameters:
    ///   - x: the forward pass's input, with its padding.
    ///   - dy: gradient of the output.
    public func weightsGradient(
        _ x: BlockedTensor, image: Int, _ dy: BlockedTensor, gradientImage: Int,
        into gradient: UnsafeMutablePointer<Float>
    ) {
        precondition(x.channels == inputChannels && dy.channels == outputChannels, "channels do not fit")
        precondition(x.padding >= kernel / 2, "padding is smaller than the kernel needs")
        precondition(dy.height == outputSize(x.height) && dy.width == outputSize(x.width), "sizes do not fit")
        let area = GradientArea(
            rows: dy.height, columns: dy.width, dyPitch: dy.rowPitch / 8, xPitch: stride * x.rowPitch,
            xStep: stride * 8)
        let target = UnsafeMutableRawPointer(gradient).assumingMemoryBound(to: Lanes.self)
        if kernel == 1 {
            oneTapGradient(x, image: image, dy, gradientImage: gradientImage, area, into: target)
        } else {
            threeTapsGradient(x, image: image, dy, gradientImage: gradientImage, area, into: target)
        }
    }

    private func threeTapsGradient(
        _ x: BlockedTensor, image: Int, _ dy: BlockedTensor, gradientImage: Int, _ area: GradientArea,
        into target: UnsafeMutablePointer<Lanes>
    ) {
        for outputBlock in 0..<outputBlocks {
            let d = UnsafePointer(dy.row(gradientImage, outputBlock, 0))
            for inputBlock in 0..<inputBlocks {
                let block = target + (outputBlock * inputBlocks + inputBlock) * 72
                for tapRow in 0..<3 {
                    let origin = x.plane(image, inputBlock) + (tapRow - 1) * x.rowPitch - 8
                    for half in Swift.stride(from: 0, to: min(8, inputChannels - inputBlock * 8), by: 4) {
                        threeTaps(UnsafePointer(origin + half), d, area, block + tapRow * 24 + half)
                    }
                }
            }
        }
    }

    private func oneTapGradient(
        _ x: BlockedTensor, image: Int, _ dy: BlockedTensor, gradientImage: Int, _ area: GradientArea,
        into target: UnsafeMutablePointer<Lanes>
    ) {
        for inputBlock in 0..<inputBlocks {
            let origin = UnsafePointer(x.plane(image, inputBlock))
            var outputBlock = 0
            while outputBlock < outputBlocks {
                let d = UnsafePointer(dy.row(gradientImage, outputBlock, 0))
                let block = target + (outputBlock * inputBlocks + inputBlock) * 8
                if outputBlock + 1 < outputBlocks {
                    for half in Swift.stride(from: 0, to: min(8, inputChannels - inputBlock * 8), by: 4) {
                        oneTap(origin + half, d, dyBlock: dy.planePitch / 8, area, block + half, inputBlocks * 8)
                    }
                    outputBlock += 2
                } else {
                    oneTap(origin, d, area, block)
                    outputBlock += 1
                }
            }
        }
    }

    /// Writes a gradient in blocks to PyTorch's order (out, in, height, width), times `scale`.
    public func unpackGradient(
        _ blocked: UnsafePointer<Float>, scale: Float, into gradient: UnsafeMutablePointer<Float>
    ) {
        let taps = kernel * kernel
        for output in 0..<outputChannels {
            for input in 0..<inputChannels {
                let source =
                    blocked + ((output / 8 * inputBlocks + input / 8) * taps * 8 + input % 8) * 8 + output % 8
                let target = gradient + (output * inputChannels + input) * taps
                for tap in 0..<taps { target[tap] = source[tap * 64] * scale }
            }
        }
    }
}

/// The pixels that the loops below go over. Each of them is written out: accumulators that a closure captures leave their
/// registers, at a third of the speed.
struct GradientArea {
    let rows: Int
    let columns: Int
    let dyPitch: Int
    let xPitch: Int
    let xStep: Int
}

/// Three kernel columns × four input channels × eight output channels.
@inline(never)
private func threeTaps(
    _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Lanes>, _ area: GradientArea, _ target: UnsafeMutablePointer<Lanes>
) {
    var sums = InlineArray<12, Lanes>(repeating: .zero)
    var xRow = x
    var dRow = dy
    for _ in 0..<area.rows {
        var pixel = xRow
        for column in 0..<area.columns {
            let d = dRow[column]
            for tap in 0..<3 {
                for lane in 0..<4 {
                    sums[tap * 4 + lane].addProduct(Lanes(repeating: pixel[tap * 8 + lane]), d)
                }
            }
            pixel += area.xStep
        }
        xRow += area.xPitch
        dRow += area.dyPitch
    }
    for tap in 0..<3 {
        for lane in 0..<4 { target[tap * 8 + lane] += sums[tap * 4 + lane] }
    }
}

/// Four input channels × two blocks of output channels.
@inline(never)
private func oneTap(
    _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Lanes>, dyBlock: Int, _ area: GradientArea,
    _ target: UnsafeMutablePointer<Lanes>, _ targetBlock: Int
) {
    var first = InlineArray<4, Lanes>(repeating: .zero)
    var second = InlineArray<4, Lanes>(repeating: .zero)
    var xRow = x
    var dRow = dy
    for _ in 0..<area.rows {
        var pixel = xRow
        for column in 0..<area.columns {
            let d0 = dRow[column]
            let d1 = dRow[dyBlock + column]
            for lane in 0..<4 {
                let value = Lanes(repeating: pixel[lane])
                first[lane].addProduct(value, d0)
                second[lane].addProduct(value, d1)
            }
            pixel += area.xStep
        }
        xRow += area.xPitch
        dRow += area.dyPitch
    }
    for lane in 0..<4 {
        target[lane] += first[lane]
        target[targetBlock + lane] += second[lane]
    }
}

/// Eight input channels × one block of output channels.
@inline(never)
private func oneTap(
    _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Lanes>, _ area: GradientArea, _ target: UnsafeMutablePointer<Lanes>
) {
    var sums = InlineArray<8, Lanes>(repeating: .zero)
    var xRow = x
    var dRow = dy
    for _ in 0..<area.rows {
        var pixel = xRow
        for column in 0..<area.columns {
            let d = dRow[column]
            for lane in 0..<8 { sums[lane].addProduct(Lanes(repeating: pixel[lane]), d) }
            pixel += area.xStep
        }
        xRow += area.xPitch
        dRow += area.dyPitch
    }
    for lane in 0..<8 { target[lane] += sums[lane] }
}
