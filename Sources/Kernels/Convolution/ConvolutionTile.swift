/// Where a row of output pixels reads its input.
struct ConvolutionSource {
    /// Top left input of the first output pixel.
    let pixel: UnsafePointer<Float>
    let rowPitch: Int
    let planePitch: Int
    let fullBlocks: Int
    /// Channels in a last block that is not full.
    let tailLanes: Int
    let kernelRows: Int
    let kernelColumns: Int

    /// Whether every output sees one pixel.
    var isPointwise: Bool { kernelRows == 1 && kernelColumns == 1 }
}

/// One row of outputs with stride S for one vector V of output channels: a block (`Lanes`), or two, which lie `yBlock`
/// vectors apart (`Pair`). Pixels are `yStep` vectors apart. The widths of the register tiles change no number: every
/// output is its own chain, and the row's sums are taken pixel after pixel.
@inline(__always)
func convolveRow<V: ChannelVector, let S: Int>(
    _ vector: V.Type, _ stride: InlineArray<S, Lanes>.Type, _ source: ConvolutionSource,
    _ weights: UnsafePointer<Lanes>, _ y: UnsafeMutablePointer<Lanes>, yBlock: Int, yStep: Int, width: Int,
    accumulate: Bool, sums: UnsafeMutablePointer<Double>?, ahead: Prefetch?
) {
    if source.isPointwise {
        convolveRow(
            vector, stride, InlineArray<1, Lanes>.self, source, weights, y, yBlock, yStep, width, accumulate, sums,
            ahead)
    } else {
        convolveRow(
            vector, stride, InlineArray<0, Lanes>.self, source, weights, y, yBlock, yStep, width, accumulate, sums,
            ahead)
    }
}

/// The same with what the compiler is to know of the kernel: K = 1 for one pixel, or 0 for what the source says.
@inline(never)
private func convolveRow<V: ChannelVector, let S: Int, let K: Int>(
    _ vector: V.Type, _ stride: InlineArray<S, Lanes>.Type, _ kernel: InlineArray<K, Lanes>.Type,
    _ source: ConvolutionSource, _ weights: UnsafePointer<Lanes>, _ y: UnsafeMutablePointer<Lanes>, _ yBlock: Int,
    _ yStep: Int, _ width: Int, _ accumulate: Bool, _ sums: UnsafeMutablePointer<Double>?, _ ahead: Prefetch?
) {
    var total = V.zero
    var square = V.zero
    var column = 0
    @inline(__always)
    func tile<let P: Int, let H: Int>(_ pixels: InlineArray<P, V>.Type, _ halves: InlineArray<H, Lanes>.Type) {
        convolveTile(
            pixels, halves, stride, kernel, source, source.pixel + column * S * 8, weights, y + column * yStep, yBlock,
            yStep, accumulate, &total, &square)
        column += P * H
    }
    while column < width {
        ahead?.step()
        switch V.tileWidth(left: width - column) {
        case 16: tile(InlineArray<8, V>.self, InlineArray<2, Lanes>.self)
        case 8: tile(InlineArray<8, V>.self, InlineArray<1, Lanes>.self)
        case 6: tile(InlineArray<6, V>.self, InlineArray<1, Lanes>.self)
        case 4: tile(InlineArray<4, V>.self, InlineArray<1, Lanes>.self)
        case 2: tile(InlineArray<2, V>.self, InlineArray<1, Lanes>.self)
        default: tile(InlineArray<1, V>.self, InlineArray<1, Lanes>.self)
        }
    }
    guard let sums else { return }
    total.addToSums(sums)
    square.addToSums(sums + 8)
}

/// P pixels, or twice as many (H = 2), of one vector of output channels in registers. The compiler keeps two short
/// arrays in registers, and one long array not.
@inline(__always)
private func convolveTile<V: ChannelVector, let P: Int, let H: Int, let S: Int, let K: Int>(
    _: InlineArray<P, V>.Type, _ h: InlineArray<H, Lanes>.Type, _ s: InlineArray<S, Lanes>.Type,
    _: InlineArray<K, Lanes>.Type, _ source: ConvolutionSource, _ pixel: UnsafePointer<Float>,
    _ weights: UnsafePointer<Lanes>, _ y: UnsafeMutablePointer<Lanes>, _ yBlock: Int, _ yStep: Int,
    _ accumulate: Bool, _ total: inout V, _ square: inout V
) {
    var first = InlineArray<P, V>(repeating: .zero)
    var second = InlineArray<P, V>(repeating: .zero)
    if accumulate {
        for p in 0..<P { first[p] = V(at: y + p * yStep, next: yBlock) }
        if H == 2 { for p in 0..<P { second[p] = V(at: y + (P + p) * yStep, next: yBlock) } }
    }
    var w = weights
    var plane = pixel
    for _ in 0..<source.fullBlocks {
        if K == 1 {
            multiplyBlock(plane, w, &first, &second, h, s)
            w += 8 * V.blocks
        } else {
            var row = plane
            for _ in 0..<source.kernelRows {
                for tap in 0..<source.kernelColumns {
                    let x = row + tap * 8
                    for lane in 0..<8 { multiply(x + lane, V(w, lane), &first, &second, h, s) }
                    w += 8 * V.blocks
                }
                row += source.rowPitch
            }
        }
        plane += source.planePitch
    }
    if source.tailLanes > 0 {
        var row = plane
        for _ in 0..<source.kernelRows {
            for tap in 0..<source.kernelColumns {
                let x = row + tap * 8
                for lane in 0..<source.tailLanes { multiply(x + lane, V(w, lane), &first, &second, h, s) }
                w += source.tailLanes * V.blocks
            }
            row += source.rowPitch
        }
    }
    for p in 0..<P {
        first[p].store(at: y + p * yStep, next: yBlock)
        total += first[p]
        square.addProduct(first[p], first[p])
    }
    if H == 2 {
        for p in 0..<P {
            second[p].store(at: y + (P + p) * yStep, next: yBlock)
            total += second[p]
            square.addProduct(second[p], second[p])
        }
    }
}

/// The eight input channels of a block, one by one. (In a loop over them the compiler addresses pixels by two registers,
/// which takes the processor more operations; where there are taps, it does not.)
@inline(__always)
private func multiplyBlock<V: ChannelVector, let P: Int, let H: Int, let S: Int>(
    _ x: UnsafePointer<Float>, _ w: UnsafePointer<Lanes>, _ first: inout InlineArray<P, V>,
    _ second: inout InlineArray<P, V>, _ h: InlineArray<H, Lanes>.Type, _ s: InlineArray<S, Lanes>.Type
) {
    multiply(x, V(w, 0), &first, &second, h, s)
    multiply(x + 1, V(w, 1), &first, &second, h, s)
    multiply(x + 2, V(w, 2), &first, &second, h, s)
    multiply(x + 3, V(w, 3), &first, &second, h, s)
    multiply(x + 4, V(w, 4), &first, &second, h, s)
    multiply(x + 5, V(w, 5), &first, &second, h, s)
    multiply(x + 6, V(w, 6), &first, &second, h, s)
    multiply(x + 7, V(w, 7), &first, &second, h, s)
}

/// One input channel of P × H pixels, or tiles, S apart, times a vector of weights.
@inline(__always)
func multiply<V: ChannelVector, let P: Int, let H: Int, let S: Int>(
    _ x: UnsafePointer<Float>, _ w: V, _ first: inout InlineArray<P, V>, _ second: inout InlineArray<P, V>,
    _: InlineArray<H, Lanes>.Type, _: InlineArray<S, Lanes>.Type
) {
    for p in 0..<P { first[p].addProduct(V(repeating: x[p * S * 8]), w) }
    if H == 2 { for p in 0..<P { second[p].addProduct(V(repeating: x[(P + p) * S * 8]), w) } }
}
