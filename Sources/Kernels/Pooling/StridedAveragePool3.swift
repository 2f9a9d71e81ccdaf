/// Average pooling 3×3, padding 1, stride 1 or 2, without the padding in the count (PyTorch's
/// `count_include_pad=False`).
public enum StridedAveragePool3 {
    /// One image; sizes as those of a convolution with this stride. A window is added row by row and divided by its
    /// count, as PyTorch does.
    public static func forward(_ x: BlockedTensor, image: Int, stride: Int, into y: BlockedTensor, outputImage: Int) {
        PoolWindow.check(x, y, stride)
        Profile.enter("average pool 3×3", nil, y, floats: x.imageFloats + y.imageFloats)
        defer { Profile.leave() }
        for block in 0..<x.blocks {
            for row in 0..<y.height {
                let rows = PoolWindow.range(row * stride, x.height)
                let source = UnsafePointer(x.row(image, block, rows.lowerBound))
                let target = y.row(outputImage, block, row)
                for column in 0..<y.width {
                    let columns = PoolWindow.range(column * stride, x.width)
                    let start = source + columns.lowerBound
                    target[column] =
                        rows.count == 3 && columns.count == 3
                        ? mean(start, x.rowPitch / 8, rows: 3, columns: 3)
                        : mean(start, x.rowPitch / 8, rows: rows.count, columns: columns.count)
                }
            }
        }
    }

    @inline(__always)
    private static func mean(_ x: UnsafePointer<Lanes>, _ pitch: Int, rows: Int, columns: Int) -> Lanes {
        var sum = Lanes.zero
        for row in 0..<rows {
            for column in 0..<columns { sum += x[row * pitch + column] }
        }
        return sum / Float(rows * columns)
    }

    /// dx += the gradient through the pooling, one image. `dy` is divided by the counts on the way and is scratch
    /// afterwards.
    public static func addAdjoint(
        _ dy: BlockedTensor, gradientImage: Int, stride: Int, into dx: BlockedTensor, inputImage: Int
    ) {
        PoolWindow.check(dx, dy, stride)
        Profile.enter("average pool 3×3", nil, dy, floats: 2 * dx.imageFloats + 3 * dy.imageFloats)
        defer { Profile.leave() }
        for block in 0..<dx.blocks {
            for row in 0..<dy.height {
                let height = PoolWindow.range(row * stride, dx.height).count
                let values = dy.row(gradientImage, block, row)
                for column in 0..<dy.width {
                    values[column] *= reciprocal(height, PoolWindow.range(column * stride, dx.width).count)
                }
            }
            for row in 0..<dx.height {
                let target = dx.row(inputImage, block, row)
                if stride == 1 {
                    let rows = PoolWindow.range(row, dx.height)
                    sum(dy, gradientImage, block, rows, outputs: dx.width, stride: 1) { output, value, _ in
                        target[output] += value
                    }
                } else {
                    let rows = outputs(row, dy.height)
                    let first = dy.row(gradientImage, block, rows.lowerBound)
                    if rows.count == 2 {
                        spread(target, width: dx.width, outputs: dy.width, first, first + dy.rowPitch / 8)
                    } else {
                        spread(target, width: dx.width, outputs: dy.width, first, nil)
                    }
                }
            }
        }
    }

    /// Adds one row or two of a gradient to a row of inputs that their windows hold, with stride 2: an input at an even
    /// place is in one window of a row, one at an odd place in that and the next.
    @inline(__always)
    private static func spread(
        _ target: UnsafeMutablePointer<Lanes>, width: Int, outputs: Int, _ first: UnsafePointer<Lanes>,
        _ second: UnsafePointer<Lanes>?
    ) {
        for column in 0..<outputs {
            let even = 2 * column
            var sum = target[even] + first[column]
            if let second { sum += second[column] }
            target[even] = sum
            if even + 1 < width {
                let hasNext = column + 1 < outputs
                var sum = target[even + 1] + first[column]
                if hasNext { sum += first[column + 1] }
                if let second {
                    sum += second[column]
                    if hasNext { sum += second[column + 1] }
                }
                target[even + 1] = sum
            }
        }
    }

    /// Sums of windows that reach over `rows`.
    @inline(__always)
    private static func sum(
        _ x: BlockedTensor, _ image: Int, _ block: Int, _ rows: Range<Int>, outputs: Int, stride: Int,
        store: (_ output: Int, _ value: Lanes, _ columns: Int) -> Void
    ) {
        let first = UnsafePointer(x.row(image, block, rows.lowerBound))
        let second = first + x.rowPitch / 8
        let third = second + x.rowPitch / 8
        @inline(__always)
        func sweep(_ column: (Int) -> Lanes) {
            PoolWindow.sweep(
                width: x.width, outputs: outputs, stride: stride, column: column, combine: { $0 + $1 }, store: store)
        }
        switch rows.count {
        case 3: sweep { first[$0] + second[$0] + third[$0] }
        case 2: sweep { first[$0] + second[$0] }
        default: sweep { first[$0] }
        }
    }

    /// The output rows (or columns), with stride 2, whose windows hold `place`.
    @inline(__always)
    private static func outputs(_ place: Int, _ size: Int) -> Range<Int> {
        let first = place / 2
        return first..<max(first, min((place + 1) / 2 + 1, size))
    }

    @inline(__always)
    private static func reciprocal(_ height: Int, _ width: Int) -> Float { 1 / Float(height * width) }
}
