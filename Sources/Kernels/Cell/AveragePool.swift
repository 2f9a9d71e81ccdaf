/// Average pooling 3×3, stride 1, padding 1, without the padding in the count (PyTorch's `count_include_pad=False`).
public enum AveragePool3 {
    /// One image. A pixel's sum is taken column by column: ((top + middle) + bottom), then left to right.
    public static func forward(_ x: BlockedTensor, image: Int, into y: BlockedTensor, outputImage: Int) {
        precondition(x.sameShape(as: y), "shapes do not fit")
        for block in 0..<x.blocks {
            for row in 0..<x.height {
                let (rows, count) = neighbours(x, image, block, row)
                boxRow(rows, width: x.width, height: count, scaled: true) { y.row(outputImage, block, row)[$0] = $1 }
            }
        }
    }

    /// Multiplies an image of a gradient by one over the number of pixels that each output averages; the result goes
    /// to `addAdjoint`.
    public static func divideByCount(_ d: BlockedTensor, image: Int) {
        for block in 0..<d.blocks {
            for row in 0..<d.height {
                let height = min(row + 1, d.height - 1) - max(row - 1, 0) + 1
                let values = d.row(image, block, row)
                for column in 0..<d.width {
                    values[column] *= Lanes(repeating: reciprocal(height, column, d.width))
                }
            }
        }
    }

    /// dx += box sum of `d` + (x > 0 ? r : 0), one image: the gradient through the pooling and through the rectifier.
    ///
    /// - Parameters:
    ///   - d: gradient of the pooling's output, divided by the count; nil if there is none.
    ///   - r: gradient of the rectified x; nil if there is none.
    public static func addAdjoint(
        _ d: BlockedTensor?, dImage: Int, x: BlockedTensor, xImage: Int, rectified r: BlockedTensor?, rImage: Int,
        into dx: BlockedTensor, dxImage: Int
    ) {
        if let d {
            precondition(d.sameShape(as: dx), "shapes do not fit")
            for block in 0..<dx.blocks {
                for row in 0..<dx.height {
                    let (rows, count) = neighbours(d, dImage, block, row)
                    let target = dx.row(dxImage, block, row)
                    boxRow(rows, width: dx.width, height: count, scaled: false) { target[$0] += $1 }
                }
            }
        }
        if let r {
            Rectifier.backward(
                r, dImage: rImage, x: x, xImage: xImage, into: dx, dxImage: dxImage, accumulate: true)
        }
    }

    /// The rows above, at and below; where one does not exist, nil. And how many there are.
    @inline(__always)
    private static func neighbours(
        _ x: BlockedTensor, _ image: Int, _ block: Int, _ row: Int
    ) -> ((UnsafePointer<Lanes>?, UnsafePointer<Lanes>, UnsafePointer<Lanes>?), Int) {
        let above = row > 0 ? UnsafePointer(x.row(image, block, row - 1)) : nil
        let below = row + 1 < x.height ? UnsafePointer(x.row(image, block, row + 1)) : nil
        return (
            (above, UnsafePointer(x.row(image, block, row)), below), 1 + (above == nil ? 0 : 1) + (below == nil ? 0 : 1)
        )
    }

    @inline(__always)
    private static func boxRow(
        _ rows: (UnsafePointer<Lanes>?, UnsafePointer<Lanes>, UnsafePointer<Lanes>?), width: Int, height: Int,
        scaled: Bool, store: (Int, Lanes) -> Void
    ) {
        switch rows {
        case (let above?, let middle, let below?):
            boxRow(width, height, scaled, column: { above[$0] + middle[$0] + below[$0] }, store)
        case (let above?, let middle, nil):
            boxRow(width, height, scaled, column: { above[$0] + middle[$0] }, store)
        case (nil, let middle, let below?):
            boxRow(width, height, scaled, column: { middle[$0] + below[$0] }, store)
        case (nil, let middle, nil):
            boxRow(width, height, scaled, column: { middle[$0] }, store)
        }
    }

    @inline(__always)
    private static func boxRow(
        _ width: Int, _ height: Int, _ scaled: Bool, column: (Int) -> Lanes, _ store: (Int, Lanes) -> Void
    ) {
        var left = Lanes.zero
        var middle = column(0)
        let inner = Lanes(repeating: 1 / Float(3 * height))
        for x in 0..<width {
            let right = x + 1 < width ? column(x + 1) : .zero
            var sum = left + middle + right
            if scaled {
                sum *= x > 0 && x + 1 < width ? inner : Lanes(repeating: reciprocal(height, x, width))
            }
            store(x, sum)
            left = middle
            middle = right
        }
    }

    private static func reciprocal(_ height: Int, _ column: Int, _ width: Int) -> Float {
        1 / Float(height * (min(column + 1, width - 1) - max(column - 1, 0) + 1))
    }
}

/// Average pooling 2×2 with stride 2; sizes are even.
public enum AveragePool2 {
    /// One image; a pixel's sum is ((0,0) + (0,1)) + ((1,0) + (1,1)).
    public static func forward(_ x: BlockedTensor, image: Int, into y: BlockedTensor, outputImage: Int) {
        precondition(x.channels == y.channels && x.height == 2 * y.height && x.width == 2 * y.width)
        for block in 0..<x.blocks {
            for row in 0..<y.height {
                let top = x.row(image, block, 2 * row)
                let bottom = x.row(image, block, 2 * row + 1)
                let target = y.row(outputImage, block, row)
                for c in 0..<y.width {
                    target[c] = ((top[2 * c] + top[2 * c + 1]) + (bottom[2 * c] + bottom[2 * c + 1])) * 0.25
                }
            }
        }
    }

    /// dx += the gradient through the pooling, one image.
    public static func addAdjoint(_ dy: BlockedTensor, image: Int, into dx: BlockedTensor, inputImage: Int) {
        precondition(dx.channels == dy.channels && dx.height == 2 * dy.height && dx.width == 2 * dy.width)
        for block in 0..<dx.blocks {
            for row in 0..<dx.height {
                let source = dy.row(image, block, row / 2)
                let target = dx.row(inputImage, block, row)
                for c in 0..<dx.width { target[c] += source[c / 2] * 0.25 }
            }
        }
    }
}
