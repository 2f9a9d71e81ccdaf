/// Maximum pooling 3×3, padding 1; the padding never wins.
public enum MaximumPool3 {
    /// One image; sizes as those of a convolution with this stride.
    public static func forward(_ x: BlockedTensor, image: Int, stride: Int, into y: BlockedTensor, outputImage: Int) {
        PoolWindow.check(x, y, stride)
        Profile.enter("maximum pool 3×3", nil, y, floats: x.imageFloats + y.imageFloats)
        defer { Profile.leave() }
        for block in 0..<x.blocks {
            for row in 0..<y.height {
                let rows = PoolWindow.range(row * stride, x.height)
                let middle = UnsafePointer(x.row(image, block, row * stride))
                // A row outside is replaced by the one in the middle, which changes no maximum.
                let above = rows.lowerBound < row * stride ? middle - x.rowPitch / 8 : middle
                let below = rows.upperBound > row * stride + 1 ? middle + x.rowPitch / 8 : middle
                let target = y.row(outputImage, block, row)
                PoolWindow.sweep(
                    width: x.width, outputs: y.width, stride: stride,
                    column: { larger(larger(above[$0], middle[$0]), below[$0]) }, combine: larger,
                    store: { output, value, _ in target[output] = value })
            }
        }
    }

    @inline(__always)
    private static func larger(_ a: Lanes, _ b: Lanes) -> Lanes { a.replacing(with: b, where: b .> a) }

    /// dx += the gradient through the pooling, one image. It goes to the first maximum of each window, row by row, as
    /// PyTorch's does.
    ///
    /// - Parameters:
    ///   - x, y: input and output of the forward pass.
    ///   - dy: gradient of y.
    public static func addAdjoint(
        _ dy: BlockedTensor, gradientImage: Int, x: BlockedTensor, y: BlockedTensor, image: Int, stride: Int,
        into dx: BlockedTensor, inputImage: Int
    ) {
        PoolWindow.check(x, y, stride)
        precondition(dy.sameShape(as: y) && dx.sameShape(as: x), "shapes do not fit")
        Profile.enter("maximum pool 3×3", nil, y, floats: 3 * x.imageFloats + 2 * y.imageFloats)
        defer { Profile.leave() }
        for block in 0..<x.blocks {
            for row in 0..<y.height {
                let rows = PoolWindow.range(row * stride, x.height)
                let largest = y.row(image, block, row)
                let gradient = dy.row(gradientImage, block, row)
                let source = UnsafePointer(x.row(image, block, rows.lowerBound))
                let target = dx.row(inputImage, block, rows.lowerBound)
                for column in 0..<y.width {
                    let columns = PoolWindow.range(column * stride, x.width)
                    let (xStart, dxStart) = (source + columns.lowerBound, target + columns.lowerBound)
                    if rows.count == 3 && columns.count == 3 {
                        pass(
                            gradient[column], largest[column], rows: 3, columns: 3, xStart, x.rowPitch / 8, dxStart,
                            dx.rowPitch / 8)
                    } else {
                        pass(
                            gradient[column], largest[column], rows: rows.count, columns: columns.count, xStart,
                            x.rowPitch / 8, dxStart, dx.rowPitch / 8)
                    }
                }
            }
        }
    }

    /// Adds a window's gradient to its first maximum, in each lane.
    @inline(__always)
    private static func pass(
        _ gradient: Lanes, _ maximum: Lanes, rows: Int, columns: Int, _ x: UnsafePointer<Lanes>, _ xPitch: Int,
        _ dx: UnsafeMutablePointer<Lanes>, _ dxPitch: Int
    ) {
        // What has not found its maximum yet.
        var rest = gradient
        for row in 0..<rows {
            for column in 0..<columns {
                let hit = x[row * xPitch + column] .== maximum
                dx[row * dxPitch + column] += Lanes.zero.replacing(with: rest, where: hit)
                rest.replace(with: Lanes.zero, where: hit)
            }
        }
    }
}
