extension DepthwiseConvolution {
    /// Adds one image's gradient by weights to `gradient`, in blocks: (blocks, height, width, 8).
    ///
    /// Within an image each element is one chain of fused multiply-adds over output rows and columns (for the last row
    /// of a 5×5 kernel: one over even and one over odd output rows, then their sum).
    ///
    /// - Parameters:
    ///   - x: the forward pass's input, with its padding.
    ///   - dy: gradient of the output.
    public func weightsGradient(
        _ x: BlockedTensor, image: Int, _ dy: BlockedTensor, gradientImage: Int,
        into gradient: UnsafeMutablePointer<Float>
    ) {
        precondition(x.channels == channels && dy.channels == channels, "channels do not fit")
        precondition(x.padding >= padding, "padding is smaller than the kernel needs")
        precondition(dy.height == outputSize(x.height) && dy.width == outputSize(x.width), "sizes do not fit")
        let area = GradientArea(
            rows: dy.height, columns: dy.width, dyPitch: dy.rowPitch / 8, xPitch: stride * x.rowPitch / 8, xStep: stride
        )
        let target = UnsafeMutableRawPointer(gradient).assumingMemoryBound(to: Lanes.self)
        for block in 0..<blocks {
            let d = UnsafePointer(dy.row(gradientImage, block, 0))
            let origin = UnsafePointer(x.row(image, block, -padding)) - padding
            let kernelRow = dilation * x.rowPitch / 8
            let sums = target + block * taps
            switch (kernel, dilation) {
            case (3, 1): threeRows(InlineArray<1, Lanes>.self, origin, kernelRow, d, area, sums)
            case (3, _): threeRows(InlineArray<2, Lanes>.self, origin, kernelRow, d, area, sums)
            case (_, 1): fiveRows(InlineArray<1, Lanes>.self, origin, kernelRow, d, area, sums)
            default: fiveRows(InlineArray<2, Lanes>.self, origin, kernelRow, d, area, sums)
            }
        }
    }
}

/// A 3×3 kernel: nine sums.
@inline(never)
private func threeRows<let D: Int>(
    _: InlineArray<D, Lanes>.Type, _ x: UnsafePointer<Lanes>, _ kernelRow: Int, _ dy: UnsafePointer<Lanes>,
    _ area: GradientArea, _ target: UnsafeMutablePointer<Lanes>
) {
    var sums = InlineArray<9, Lanes>(repeating: .zero)
    var xRow = x
    var dRow = dy
    for _ in 0..<area.rows {
        var pixel = xRow
        for column in 0..<area.columns {
            let d = dRow[column]
            for j in 0..<3 { sums[j].addProduct(pixel[j * D], d) }
            for j in 0..<3 { sums[3 + j].addProduct(pixel[kernelRow + j * D], d) }
            for j in 0..<3 { sums[6 + j].addProduct(pixel[2 * kernelRow + j * D], d) }
            pixel += area.xStep
        }
        xRow += area.xPitch
        dRow += area.dyPitch
    }
    for i in 0..<9 { target[i] += sums[i] }
}

/// A 5×5 kernel: two kernel rows at a time, and the last one on two output rows at a time.
@inline(never)
private func fiveRows<let D: Int>(
    _ dilation: InlineArray<D, Lanes>.Type, _ x: UnsafePointer<Lanes>, _ kernelRow: Int, _ dy: UnsafePointer<Lanes>,
    _ area: GradientArea, _ target: UnsafeMutablePointer<Lanes>
) {
    twoRows(dilation, x, kernelRow, dy, area, target)
    twoRows(dilation, x + 2 * kernelRow, kernelRow, dy, area, target + 10)
    lastRow(dilation, x + 4 * kernelRow, dy, area, target + 20)
}

@inline(never)
private func twoRows<let D: Int>(
    _: InlineArray<D, Lanes>.Type, _ x: UnsafePointer<Lanes>, _ kernelRow: Int, _ dy: UnsafePointer<Lanes>,
    _ area: GradientArea, _ target: UnsafeMutablePointer<Lanes>
) {
    var sums = InlineArray<10, Lanes>(repeating: .zero)
    var xRow = x
    var dRow = dy
    for _ in 0..<area.rows {
        var pixel = xRow
        for column in 0..<area.columns {
            let d = dRow[column]
            for j in 0..<5 { sums[j].addProduct(pixel[j * D], d) }
            for j in 0..<5 { sums[5 + j].addProduct(pixel[kernelRow + j * D], d) }
            pixel += area.xStep
        }
        xRow += area.xPitch
        dRow += area.dyPitch
    }
    for i in 0..<10 { target[i] += sums[i] }
}

@inline(never)
private func lastRow<let D: Int>(
    _: InlineArray<D, Lanes>.Type, _ x: UnsafePointer<Lanes>, _ dy: UnsafePointer<Lanes>, _ area: GradientArea,
    _ target: UnsafeMutablePointer<Lanes>
) {
    var even = InlineArray<5, Lanes>(repeating: .zero)
    var odd = InlineArray<5, Lanes>(repeating: .zero)
    var xRow = x
    var dRow = dy
    for _ in 0..<area.rows / 2 {
        var pixel = xRow
        for column in 0..<area.columns {
            let d0 = dRow[column]
            let d1 = dRow[area.dyPitch + column]
            for j in 0..<5 { even[j].addProduct(pixel[j * D], d0) }
            for j in 0..<5 { odd[j].addProduct(pixel[area.xPitch + j * D], d1) }
            pixel += area.xStep
        }
        xRow += 2 * area.xPitch
        dRow += 2 * area.dyPitch
    }
    if area.rows % 2 == 1 {
        var pixel = xRow
        for column in 0..<area.columns {
            let d = dRow[column]
            for j in 0..<5 { even[j].addProduct(pixel[j * D], d) }
            pixel += area.xStep
        }
    }
    for i in 0..<5 { target[i] += even[i] + odd[i] }
}
