/// Windows of 3×3 pooling with padding 1.
enum PoolWindow {
    /// The rows (or columns) inside the image of the window around `centre`.
    @inline(__always)
    static func range(_ centre: Int, _ size: Int) -> Range<Int> { max(centre - 1, 0)..<min(centre + 2, size) }

    static func check(_ x: BlockedTensor, _ y: BlockedTensor, _ stride: Int) {
        precondition(stride == 1 || stride == 2, "only strides 1 and 2")
        precondition(
            x.channels == y.channels && y.height == (x.height - 1) / stride + 1
                && y.width == (x.width - 1) / stride + 1, "shapes do not fit")
    }

    /// One row of outputs from its three rows of inputs. What is outside an image does not count.
    ///
    /// - Parameters:
    ///   - rows: of the inputs; where one is outside, the row in the middle again.
    ///   - column: combines a column of three inputs.
    ///   - combine: combines two neighbouring columns.
    ///   - store: takes the window's value and its columns' number.
    @inline(__always)
    static func sweep(
        width: Int, outputs: Int, stride: Int, column: (Int) -> Lanes, combine: (Lanes, Lanes) -> Lanes,
        store: (_ output: Int, _ value: Lanes, _ columns: Int) -> Void
    ) {
        // The last column of a window is the first (stride 2) or the middle one (stride 1) of the next.
        var left = Lanes.zero
        var middle = column(0)
        for output in 0..<outputs {
            let centre = output * stride
            var value = middle
            var columns = 1
            if centre > 0 {
                value = combine(left, value)
                columns += 1
            }
            var right = Lanes.zero
            if centre + 1 < width {
                right = column(centre + 1)
                value = combine(value, right)
                columns += 1
            }
            store(output, value, columns)
            if stride == 1 {
                left = middle
                middle = right
            } else {
                left = right
                if centre + 2 < width { middle = column(centre + 2) }
            }
        }
    }
}
