/// A depthwise convolution: every channel has its own kernel and sees itself alone. Zero padding keeps the size (or
/// halves it, with stride 2).
///
/// Every output element is one chain of fused multiply-adds over (kernel row, kernel column).
public struct DepthwiseConvolution: Sendable, Hashable {
    /// Of input and output; any number.
    public let channels: Int
    /// Height and width of the kernel: 3 or 5.
    public let kernel: Int
    /// Pixels from one kernel element to the next: 1 or 2.
    public let dilation: Int
    /// 1 or 2.
    public let stride: Int

    /// - Precondition: a kernel of 3 or 5, a dilation of 1 or 2, a stride of 1 or 2.
    public init(channels: Int, kernel: Int, dilation: Int = 1, stride: Int = 1) {
        precondition(channels > 0, "a convolution needs channels")
        precondition(kernel == 3 || kernel == 5, "only 3×3 and 5×5 kernels")
        precondition(dilation == 1 || dilation == 2, "only dilations 1 and 2")
        precondition(stride == 1 || stride == 2, "only strides 1 and 2")
        self.channels = channels
        self.kernel = kernel
        self.dilation = dilation
        self.stride = stride
    }

    /// Zero pixels that the input needs on each side, and the output's gradient for `inputGradient`.
    public var padding: Int { dilation * (kernel / 2) }

    var blocks: Int { (channels + 7) / 8 }
    var taps: Int { kernel * kernel }

    /// Floats of the weights in PyTorch's order (channels, 1, height, width).
    public var weightCount: Int { channels * taps }

    /// Floats of packed weights, and of a gradient in blocks: (blocks, height, width, 8).
    public var packedCount: Int { blocks * taps * 8 }

    /// Height or width of the output for that of the input.
    public func outputSize(_ size: Int) -> Int { (size - 1) / stride + 1 }

    /// Multiply-adds of one image of the given input size.
    public func multiplyAdds(height: Int, width: Int) -> Int { outputSize(height) * outputSize(width) * weightCount }

    /// Packs weights (channels, 1, height, width) into (blocks, height, width, 8).
    public func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>) {
        pack(weights, into: packed) { $0 }
    }

    /// The same with each kernel turned by half a turn, for `inputGradient`.
    public func packFlipped(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>) {
        pack(weights, into: packed) { taps - 1 - $0 }
    }

    @inline(__always)
    private func pack(
        _ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, source: (Int) -> Int
    ) {
        for block in 0..<blocks {
            for tap in 0..<taps {
                for lane in 0..<8 {
                    let channel = block * 8 + lane
                    packed[(block * taps + tap) * 8 + lane] =
                        channel < channels ? weights[channel * taps + source(tap)] : 0
                }
            }
        }
    }

    /// Writes a gradient in blocks to PyTorch's order.
    public func unpackGradient(_ blocked: UnsafePointer<Float>, into gradient: UnsafeMutablePointer<Float>) {
        for channel in 0..<channels {
            for tap in 0..<taps {
                gradient[channel * taps + tap] = blocked[(channel / 8 * taps + tap) * 8 + channel % 8]
            }
        }
    }

    /// Convolves one image.
    ///
    /// - Parameters:
    ///   - x: at least `padding` pixels of zero padding.
    ///   - packed: `packedCount` floats from `pack`, 32-byte aligned.
    ///   - y: the output; any padding, which is left alone.
    ///   - ahead: what is fetched meanwhile.
    public func forward(
        _ x: BlockedTensor, image: Int, packed: UnsafePointer<Float>, into y: BlockedTensor, outputImage: Int,
        ahead: Prefetch? = nil
    ) {
        precondition(x.channels == channels && y.channels == channels, "channels do not fit")
        precondition(x.padding >= padding, "padding is smaller than the kernel needs")
        precondition(y.height == outputSize(x.height) && y.width == outputSize(x.width), "sizes do not fit")
        if correlateFourRows(
            x, image: image, packed: packed, into: y, outputImage: outputImage, accumulate: false, ahead: ahead)
        {
            return
        }
        if stride == 1 {
            correlate(x, image: image, packed: packed, into: y, outputImage: outputImage, accumulate: false)
            return
        }
        for block in 0..<blocks {
            for row in 0..<y.height {
                let strided = StridedRow(
                    x: UnsafePointer(x.row(image, block, 2 * row - padding)) - padding,
                    rowStep: dilation * x.rowPitch / 8, columnStep: dilation, kernel: kernel,
                    weights: lanesPointer(packed, block))
                strided.correlate(into: y.row(outputImage, block, row), width: y.width)
            }
        }
    }

    /// Returns whether processor and shape are for `FourRows`; if not, nothing is done.
    private func correlateFourRows(
        _ x: BlockedTensor, image: Int, packed: UnsafePointer<Float>, into y: BlockedTensor, outputImage: Int,
        accumulate: Bool, ahead: Prefetch?
    ) -> Bool {
        @inline(__always)
        func run<let K: Int, let D: Int, let S: Int>(_: FourRows<K, D, S>.Type) -> Bool {
            guard Pair.isRegister && FourRows<K, D, S>.fits(x, y) else { return false }
            for block in 0..<blocks {
                let rows = FourRows<K, D, S>(
                    x: UnsafePointer(x.row(image, block, -padding)) - padding, xPitch: x.rowPitch / 8,
                    yPitch: y.rowPitch / 8, y: y.row(outputImage, block, 0), accumulate: accumulate, ahead: ahead)
                rows.correlate(height: y.height, width: y.width, lanesPointer(packed, block))
            }
            return true
        }
        switch (kernel, dilation, stride) {
        case (3, 1, 1): return run(FourRows<3, 1, 1>.self)
        case (3, 2, 1): return run(FourRows<3, 2, 1>.self)
        case (5, 1, 1): return run(FourRows<5, 1, 1>.self)
        case (5, 2, 1): return run(FourRows<5, 2, 1>.self)
        case (3, 1, _): return run(FourRows<3, 1, 2>.self)
        case (3, _, _): return run(FourRows<3, 2, 2>.self)
        case (_, 1, _): return run(FourRows<5, 1, 2>.self)
        default: return run(FourRows<5, 2, 2>.self)
        }
    }

    /// Stride 1: rows that are `dilation` apart share most of their input, so they are computed together.
    private func correlate(
        _ x: BlockedTensor, image: Int, packed: UnsafePointer<Float>, into y: BlockedTensor, outputImage: Int,
        accumulate: Bool
    ) {
        for block in 0..<blocks {
            let weights = lanesPointer(packed, block)
            for first in Swift.stride(from: 0, to: y.height, by: 2 * dilation) {
                for row in first..<min(first + dilation, y.height) {
                    let source = UnsafePointer(x.row(image, block, row - padding)) - padding
                    let other = row + dilation < y.height ? y.row(outputImage, block, row + dilation) : nil
                    let rows = DepthwiseRows(
                        x: source, rowStep: dilation * x.rowPitch / 8, columnStep: dilation,
                        first: y.row(outputImage, block, row), second: other, width: y.width, accumulate: accumulate)
                    if kernel == 3 {
                        correlateRows(InlineArray<3, Lanes>.self, rows, weights)
                    } else {
                        correlateRows(InlineArray<5, Lanes>.self, rows, weights)
                    }
                }
            }
        }
    }

    @inline(__always)
    func lanesPointer(_ packed: UnsafePointer<Float>, _ block: Int) -> UnsafePointer<Lanes> {
        UnsafeRawPointer(packed + block * taps * 8).assumingMemoryBound(to: Lanes.self)
    }
}

extension DepthwiseConvolution {
    /// Gradient by input of one image: dx = (accumulate ? dx : 0) + the adjoint applied to `dy`.
    ///
    /// - Parameters:
    ///   - dy: gradient of the output with at least `padding` pixels of zero padding.
    ///   - packed: `packedCount` floats from `packFlipped`, 32-byte aligned.
    ///   - dx: any padding, which is left alone.
    ///   - ahead: what is fetched meanwhile.
    public func inputGradient(
        _ dy: BlockedTensor, image: Int, packed: UnsafePointer<Float>, into dx: BlockedTensor, inputImage: Int,
        accumulate: Bool, ahead: Prefetch? = nil
    ) {
        precondition(dx.channels == channels && dy.channels == channels, "channels do not fit")
        precondition(dy.padding >= padding, "padding is smaller than the kernel needs")
        precondition(dy.height == outputSize(dx.height) && dy.width == outputSize(dx.width), "sizes do not fit")
        if stride == 1 {
            if correlateFourRows(
                dy, image: image, packed: packed, into: dx, outputImage: inputImage, accumulate: accumulate,
                ahead: ahead)
            {
                return
            }
            correlate(dy, image: image, packed: packed, into: dx, outputImage: inputImage, accumulate: accumulate)
            return
        }
        switch (kernel, dilation) {
        case (3, 1): strided(StridedInputGradient<3, 1>.self)
        case (3, _): strided(StridedInputGradient<3, 2>.self)
        case (_, 1): strided(StridedInputGradient<5, 1>.self)
        default: strided(StridedInputGradient<5, 2>.self)
        }
        @inline(__always)
        func strided<let K: Int, let D: Int>(_: StridedInputGradient<K, D>.Type) {
            for block in 0..<blocks {
                let gradient = StridedInputGradient<K, D>(
                    dy: UnsafePointer(dy.row(image, block, 0)), dyPitch: dy.rowPitch / 8,
                    dx: dx.row(inputImage, block, 0), dxPitch: dx.rowPitch / 8, height: dx.height, width: dx.width,
                    accumulate: accumulate, weights: lanesPointer(packed, block))
                gradient.apply()
            }
        }
    }
}

/// One row of outputs of one block with stride 2.
private struct StridedRow {
    /// Top left input of the first output.
    let x: UnsafePointer<Lanes>
    /// Pixels from one kernel element to the next.
    let rowStep: Int
    let columnStep: Int
    let kernel: Int
    /// (kernel, kernel) vectors.
    let weights: UnsafePointer<Lanes>

    @inline(never)
    func correlate(into y: UnsafeMutablePointer<Lanes>, width: Int) {
        var column = 0
        @inline(__always)
        func some<let P: Int>(_ outputs: InlineArray<P, Lanes>.Type) {
            tile(outputs, x + 2 * column, y + column)
            column += P
        }
        while column < width {
            let left = width - column
            if left >= 8 {
                some(InlineArray<8, Lanes>.self)
            } else if left >= 4 {
                some(InlineArray<4, Lanes>.self)
            } else {
                some(InlineArray<1, Lanes>.self)
            }
        }
    }

    /// P outputs in registers. The width of the tile changes no number: every output is its own chain.
    @inline(__always)
    private func tile<let P: Int>(
        _: InlineArray<P, Lanes>.Type, _ x: UnsafePointer<Lanes>, _ y: UnsafeMutablePointer<Lanes>
    ) {
        var sums = InlineArray<P, Lanes>(repeating: .zero)
        var row = x
        var w = weights
        for _ in 0..<kernel {
            for j in 0..<kernel {
                let pixel = row + j * columnStep
                let weight = w[j]
                for p in 0..<P { sums[p].addProduct(pixel[2 * p], weight) }
            }
            row += rowStep
            w += kernel
        }
        for p in 0..<P { y[p] = sums[p] }
    }
}

/// Two rows of outputs, `rowStep` apart in the input, or one.
private struct DepthwiseRows {
    /// Top left input of the first pixel of the first row.
    let x: UnsafePointer<Lanes>
    /// Pixels from one kernel element to the next.
    let rowStep: Int
    let columnStep: Int
    let first: UnsafeMutablePointer<Lanes>
    let second: UnsafeMutablePointer<Lanes>?
    let width: Int
    let accumulate: Bool
}

/// Rows of outputs of one block with a K × K kernel and stride 1.
@inline(never)
private func correlateRows<let K: Int>(
    _ kernel: InlineArray<K, Lanes>.Type, _ rows: DepthwiseRows, _ weights: UnsafePointer<Lanes>
) {
    var column = 0
    @inline(__always)
    func tile<V: ChannelVector, let P: Int>(_ pixels: InlineArray<P, V>.Type) {
        correlateTile(kernel, pixels, rows, column, weights)
        column += P * V.blocks
    }
    while column < rows.width {
        let left = rows.width - column
        if Pair.isRegister && left >= 16 {
            tile(InlineArray<8, Pair>.self)
        } else if Pair.isRegister && left >= 8 {
            tile(InlineArray<4, Pair>.self)
        } else if left >= 6 && left != 8 {
            tile(InlineArray<3, Pair>.self)
        } else if left >= 4 {
            tile(InlineArray<2, Pair>.self)
        } else {
            tile(InlineArray<1, Lanes>.self)
        }
    }
}

/// P vectors of pixels of both rows in registers; every input pixel that both need is read once. The width of the tile,
/// and whether there is a second row, change no number: every output is its own chain.
@inline(__always)
private func correlateTile<let K: Int, V: ChannelVector, let P: Int>(
    _: InlineArray<K, Lanes>.Type, _: InlineArray<P, V>.Type, _ rows: DepthwiseRows, _ column: Int,
    _ weights: UnsafePointer<Lanes>
) {
    var first = InlineArray<P, V>(repeating: .zero)
    var second = InlineArray<P, V>(repeating: .zero)
    if rows.accumulate {
        for p in 0..<P { first[p] = V(rows.first + column, p) }
        if let target = rows.second { for p in 0..<P { second[p] = V(target + column, p) } }
    }
    var x = rows.x + column
    for j in 0..<K {
        let pixel = x + j * rows.columnStep
        let weight = V(each: weights[j])
        for p in 0..<P { first[p].addProduct(V(pixel, p), weight) }
    }
    var w = weights
    if let target = rows.second {
        for _ in 1..<K {
            x += rows.rowStep
            for j in 0..<K {
                let pixel = x + j * rows.columnStep
                let (upper, lower) = (V(each: w[j]), V(each: w[K + j]))
                for p in 0..<P {
                    let value = V(pixel, p)
                    first[p].addProduct(value, lower)
                    second[p].addProduct(value, upper)
                }
            }
            w += K
        }
        x += rows.rowStep
        for j in 0..<K {
            let pixel = x + j * rows.columnStep
            let weight = V(each: w[j])
            for p in 0..<P { second[p].addProduct(V(pixel, p), weight) }
        }
        for p in 0..<P { second[p].store(p, of: target + column) }
    } else {
        for _ in 1..<K {
            x += rows.rowStep
            w += K
            for j in 0..<K {
                let pixel = x + j * rows.columnStep
                let weight = V(each: w[j])
                for p in 0..<P { first[p].addProduct(V(pixel, p), weight) }
            }
        }
    }
    for p in 0..<P { first[p].store(p, of: rows.first + column) }
}
