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
        var outputBlock = 0
        while outputBlock < outputBlocks {
            let d = UnsafePointer(dy.row(gradientImage, outputBlock, 0))
            let pair = Pair.isRegister && outputBlock + 1 < outputBlocks
            for inputBlock in 0..<inputBlocks {
                let block = target + (outputBlock * inputBlocks + inputBlock) * 72
                for tapRow in 0..<3 {
                    let origin = x.plane(image, inputBlock) + (tapRow - 1) * x.rowPitch - 8
                    for half in Swift.stride(from: 0, to: min(8, inputChannels - inputBlock * 8), by: 4) {
                        let (source, sums) = (UnsafePointer(origin + half), block + tapRow * 24 + half)
                        if pair {
                            threeTaps(
                                Pair.self, source, d, dyBlock: dy.planePitch / 8, area, sums,
                                targetBlock: inputBlocks * 72)
                        } else {
                            threeTaps(Lanes.self, source, d, dyBlock: 0, area, sums, targetBlock: 0)
                        }
                    }
                }
            }
            outputBlock += pair ? 2 : 1
        }
    }

    private func oneTapGradient(
        _ x: BlockedTensor, image: Int, _ dy: BlockedTensor, gradientImage: Int, _ area: GradientArea,
        into target: UnsafeMutablePointer<Lanes>
    ) {
        var inputBlock = 0
        while inputBlock < inputBlocks {
            // Where a pair is one register, there are enough of them for two blocks of inputs.
            if Pair.isRegister && (inputBlock + 2) * 8 <= inputChannels {
                oneTaps(InlineArray<2, Lanes>.self, inputBlock, x, image, dy, gradientImage, area, target)
                inputBlock += 2
            } else {
                oneTaps(InlineArray<1, Lanes>.self, inputBlock, x, image, dy, gradientImage, area, target)
                inputBlock += 1
            }
        }
    }

    /// The same for H blocks of inputs and all outputs.
    @inline(__always)
    private func oneTaps<let H: Int>(
        _ h: InlineArray<H, Lanes>.Type, _ inputBlock: Int, _ x: BlockedTensor, _ image: Int, _ dy: BlockedTensor,
        _ gradientImage: Int, _ area: GradientArea, _ target: UnsafeMutablePointer<Lanes>
    ) {
        let origin = UnsafePointer(x.plane(image, inputBlock))
        let inputs = min(8, inputChannels - inputBlock * 8)
        var outputBlock = 0
        while outputBlock < outputBlocks {
            let d = UnsafePointer(dy.row(gradientImage, outputBlock, 0))
            let block = target + (outputBlock * inputBlocks + inputBlock) * 8
            if outputBlock + 1 < outputBlocks {
                for first in Swift.stride(from: 0, to: inputs, by: InputTile.count) {
                    oneTap(
                        InputTile.self, h, origin + first, xBlock: x.planePitch, d, dyBlock: dy.planePitch / 8, area,
                        block + first, targetBlock: inputBlocks * 8)
                }
                outputBlock += 2
            } else {
                oneTap(
                    InlineArray<8, Lanes>.self, h, origin, xBlock: x.planePitch, d, dyBlock: 0, area, block,
                    targetBlock: 0)
                outputBlock += 1
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

/// Three kernel columns × four input channels × one vector of output channels, whose blocks lie `dyBlock` apart in the
/// gradient and `targetBlock` in the target.
@inline(never)
private func threeTaps<V: ChannelVector>(
    _: V.Type, _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Lanes>, dyBlock: Int, _ area: GradientArea,
    _ target: UnsafeMutablePointer<Lanes>, targetBlock: Int
) {
    var sums = InlineArray<12, V>(repeating: .zero)
    var xRow = x
    var dRow = dy
    for _ in 0..<area.rows {
        var pixel = xRow
        for column in 0..<area.columns {
            let d = V(at: dRow + column, next: dyBlock)
            for tap in 0..<3 {
                for lane in 0..<4 { sums[tap * 4 + lane].addProduct(V(repeating: pixel[tap * 8 + lane]), d) }
            }
            pixel += area.xStep
        }
        xRow += area.xPitch
        dRow += area.dyPitch
    }
    for tap in 0..<3 {
        for lane in 0..<4 {
            let place = target + tap * 8 + lane
            (V(at: place, next: targetBlock) + sums[tap * 4 + lane]).store(at: place, next: targetBlock)
        }
    }
}

/// L input channels of one block, or of each of two (H = 2), `xBlock` floats apart, × one vector of output channels, whose
/// blocks lie `dyBlock` apart in the gradient and `targetBlock` in the target.
@inline(never)
private func oneTap<V: ChannelVector, let L: Int, let H: Int>(
    _: InlineArray<L, V>.Type, _: InlineArray<H, Lanes>.Type, _ x: UnsafePointer<Float>, xBlock: Int,
    _ dy: UnsafePointer<Lanes>, dyBlock: Int, _ area: GradientArea, _ target: UnsafeMutablePointer<Lanes>,
    targetBlock: Int
) {
    var first = InlineArray<L, V>(repeating: .zero)
    var second = InlineArray<L, V>(repeating: .zero)
    var xRow = x
    var dRow = dy
    for _ in 0..<area.rows {
        var pixel = xRow
        for column in 0..<area.columns {
            let d = V(at: dRow + column, next: dyBlock)
            for lane in 0..<L { first[lane].addProduct(V(repeating: pixel[lane]), d) }
            if H == 2 { for lane in 0..<L { second[lane].addProduct(V(repeating: pixel[xBlock + lane]), d) } }
            pixel += area.xStep
        }
        xRow += area.xPitch
        dRow += area.dyPitch
    }
    for lane in 0..<L {
        let place = target + lane
        (V(at: place, next: targetBlock) + first[lane]).store(at: place, next: targetBlock)
    }
    if H == 2 {
        for lane in 0..<L {
            let place = target + 8 + lane
            (V(at: place, next: targetBlock) + second[lane]).store(at: place, next: targetBlock)
        }
    }
}
