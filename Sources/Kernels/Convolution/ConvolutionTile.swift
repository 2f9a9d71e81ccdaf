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
}

/// One row of outputs with stride S, B blocks of output channels at a time, `yStep` vectors apart. The widths of the
/// register tiles change no number: every output is its own chain, and the row's sums are taken pixel after pixel.
@inline(never)
func convolveRow<let B: Int, let S: Int>(
    _ blocks: InlineArray<B, Lanes>.Type, _ stride: InlineArray<S, Lanes>.Type, _ source: ConvolutionSource,
    _ weights: UnsafePointer<Lanes>,
    _ y: UnsafeMutablePointer<Lanes>, yBlock: Int, yStep: Int, width: Int, accumulate: Bool,
    sums: UnsafeMutablePointer<Double>?
) {
    var total = InlineArray<B, Lanes>(repeating: .zero)
    var square = InlineArray<B, Lanes>(repeating: .zero)
    var column = 0
    while column < width {
        let left = width - column
        let pixel = source.pixel + column * S * 8
        let target = y + column * yStep
        if B == 1 && left >= 8 {
            // One block of outputs: eight pixels fill the two FMA units.
            convolveTile(
                InlineArray<8, Lanes>.self, blocks, stride, source, pixel, weights, target, yBlock, yStep, accumulate,
                &total,
                &square)
            column += 8
        } else if B == 2 && left >= 6 && left != 8 {
            convolveTile(
                InlineArray<6, Lanes>.self, blocks, stride, source, pixel, weights, target, yBlock, yStep, accumulate,
                &total,
                &square)
            column += 6
        } else if left >= 4 {
            convolveTile(
                InlineArray<4, Lanes>.self, blocks, stride, source, pixel, weights, target, yBlock, yStep, accumulate,
                &total,
                &square)
            column += 4
        } else if left >= 2 {
            convolveTile(
                InlineArray<2, Lanes>.self, blocks, stride, source, pixel, weights, target, yBlock, yStep, accumulate,
                &total,
                &square)
            column += 2
        } else {
            convolveTile(
                InlineArray<1, Lanes>.self, blocks, stride, source, pixel, weights, target, yBlock, yStep, accumulate,
                &total,
                &square)
            column += 1
        }
    }
    guard let sums else { return }
    for b in 0..<B {
        for lane in 0..<8 {
            sums[b * 16 + lane] += Double(total[b][lane])
            sums[b * 16 + 8 + lane] += Double(square[b][lane])
        }
    }
}

/// P pixels × B blocks of outputs in registers.
@inline(__always)
private func convolveTile<let P: Int, let B: Int, let S: Int>(
    _: InlineArray<P, Lanes>.Type, _ b: InlineArray<B, Lanes>.Type, _ s: InlineArray<S, Lanes>.Type,
    _ source: ConvolutionSource, _ pixel: UnsafePointer<Float>, _ weights: UnsafePointer<Lanes>,
    _ y: UnsafeMutablePointer<Lanes>, _ yBlock: Int, _ yStep: Int,
    _ accumulate: Bool, _ total: inout InlineArray<B, Lanes>, _ square: inout InlineArray<B, Lanes>
) {
    var first = InlineArray<P, Lanes>(repeating: .zero)
    var second = InlineArray<P, Lanes>(repeating: .zero)
    if accumulate {
        for p in 0..<P {
            first[p] = y[p * yStep]
            if B == 2 { second[p] = y[yBlock + p * yStep] }
        }
    }
    var w = weights
    var plane = pixel
    for _ in 0..<source.fullBlocks {
        var row = plane
        for _ in 0..<source.kernelRows {
            for tap in 0..<source.kernelColumns {
                let x = row + tap * 8
                for lane in 0..<8 { multiply(x + lane, &w, &first, &second, b, s) }
            }
            row += source.rowPitch
        }
        plane += source.planePitch
    }
    if source.tailLanes > 0 {
        var row = plane
        for _ in 0..<source.kernelRows {
            for tap in 0..<source.kernelColumns {
                let x = row + tap * 8
                for lane in 0..<source.tailLanes { multiply(x + lane, &w, &first, &second, b, s) }
            }
            row += source.rowPitch
        }
    }
    for p in 0..<P {
        y[p * yStep] = first[p]
        total[0] += first[p]
        square[0].addProduct(first[p], first[p])
        if B == 2 {
            y[yBlock + p * yStep] = second[p]
            total[1] += second[p]
            square[1].addProduct(second[p], second[p])
        }
    }
}

/// One input channel of P pixels, or tiles, S apart, times B vectors of weights.
@inline(__always)
func multiply<let P: Int, let B: Int, let S: Int>(
    _ x: UnsafePointer<Float>, _ w: inout UnsafePointer<Lanes>, _ first: inout InlineArray<P, Lanes>,
    _ second: inout InlineArray<P, Lanes>, _: InlineArray<B, Lanes>.Type,
    _: InlineArray<S, Lanes>.Type
) {
    let w0 = w[0]
    if B == 2 {
        let w1 = w[1]
        for p in 0..<P {
            let value = Lanes(repeating: x[p * S * 8])
            first[p].addProduct(value, w0)
            second[p].addProduct(value, w1)
        }
    } else {
        for p in 0..<P { first[p].addProduct(Lanes(repeating: x[p * S * 8]), w0) }
    }
    w += B
}
