/// Average pooling 5×5 with stride 3 and without padding: what an auxiliary head begins with.
public enum WindowAverage5 {
    /// Height or width of the output for that of the input, which is 5 or more.
    public static func outputSize(_ size: Int) -> Int { (size - 5) / 3 + 1 }

    /// One image; a window is added row by row.
    ///
    /// - Parameter y: (output pixels, pitch): a pixel's channels one after the other.
    public static func forward(_ x: BlockedTensor, image: Int, into y: UnsafeMutablePointer<Float>, pitch: Int) {
        Profile.enter("average pool 5×5", nil, x, floats: x.imageFloats)
        defer { Profile.leave() }
        sweep(x) { block, lanes, row, column, pixel in
            var sum = Lanes.zero
            for r in 3 * row..<3 * row + 5 {
                let source = x.row(image, block, r) + 3 * column
                for c in 0..<5 { sum += source[c] }
            }
            sum /= 25
            for lane in 0..<lanes { y[pixel * pitch + block * 8 + lane] = sum[lane] }
        }
    }

    /// dx += the gradient through the pooling, one image.
    ///
    /// - Parameter dy: as `forward` gives it.
    public static func addAdjoint(
        _ dy: UnsafePointer<Float>, pitch: Int, into dx: BlockedTensor, image: Int
    ) {
        Profile.enter("average pool 5×5", nil, dx, floats: 2 * dx.imageFloats)
        defer { Profile.leave() }
        sweep(dx) { block, lanes, row, column, pixel in
            var value = Lanes.zero
            for lane in 0..<lanes { value[lane] = dy[pixel * pitch + block * 8 + lane] / 25 }
            for r in 3 * row..<3 * row + 5 {
                let target = dx.row(image, block, r) + 3 * column
                for c in 0..<5 { target[c] += value }
            }
        }
    }

    @inline(__always)
    private static func sweep(
        _ x: BlockedTensor, _ body: (_ block: Int, _ lanes: Int, _ row: Int, _ column: Int, _ pixel: Int) -> Void
    ) {
        precondition(x.height >= 5 && x.width >= 5, "planes smaller than a window")
        let (height, width) = (outputSize(x.height), outputSize(x.width))
        for block in 0..<x.blocks {
            for row in 0..<height {
                for column in 0..<width {
                    body(block, min(8, x.channels - block * 8), row, column, row * width + column)
                }
            }
        }
    }
}
