extension DepthwiseConvolution {
    /// Adds one image's gradient by weights to `gradient`, in blocks: (blocks, height, width, 8).
    ///
    /// Within an image each element is two chains of fused multiply-adds over output rows and columns, one for even and
    /// one for odd columns, then their sum.
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
        // Of a 3×3 kernel pairs read one pixel more on each side.
        let isAdjacent = stride == 1 && x.padding >= 2
        for block in 0..<blocks {
            let taps = DepthwiseTaps(
                x: UnsafePointer(x.row(image, block, -padding)) - padding, kernelRow: dilation * x.rowPitch / 8,
                dy: UnsafePointer(dy.row(gradientImage, block, 0)), area: area, target: target + block * self.taps)
            switch (kernel, dilation, isAdjacent) {
            case (3, 1, true): taps.addAll(InlineArray<3, Lanes>.self, AdjacentPairs<1>.self)
            case (3, _, true): taps.addAll(InlineArray<3, Lanes>.self, AdjacentPairs<2>.self)
            case (_, 1, true): taps.addAll(InlineArray<5, Lanes>.self, AdjacentPairs<1>.self)
            case (_, _, true): taps.addAll(InlineArray<5, Lanes>.self, AdjacentPairs<2>.self)
            case (3, 1, _): taps.addAll(InlineArray<3, Lanes>.self, AnyPairs<1>.self)
            case (3, _, _): taps.addAll(InlineArray<3, Lanes>.self, AnyPairs<2>.self)
            case (_, 1, _): taps.addAll(InlineArray<5, Lanes>.self, AnyPairs<1>.self)
            default: taps.addAll(InlineArray<5, Lanes>.self, AnyPairs<2>.self)
            }
        }
    }
}

/// How the pixels that a row of a kernel sees for two outputs side by side are read.
private protocol PixelPairs {
    /// The same for an output that has none beside it.
    associatedtype Last: PixelPairs
    /// Whether all rows of a 5×5 kernel fit in registers with what they read.
    static var areFew: Bool { get }

    /// What column `j` of K sees.
    ///
    /// - Parameters:
    ///   - x: what the first column of the kernel sees for the first output. - step: to what it sees for the second.
    static func pair<let K: Int>(
        _: InlineArray<K, Lanes>.Type, _ j: Int, _ x: UnsafePointer<Lanes>, step: Int
    ) -> Pair
}

extension PixelPairs {
    @inline(__always)
    static var areFew: Bool { true }

    /// What all columns see.
    @inline(__always)
    static func read<let K: Int>(
        _ kernel: InlineArray<K, Lanes>.Type, _ x: UnsafePointer<Lanes>, step: Int
    ) -> InlineArray<5, Pair> {
        var values = InlineArray<5, Pair>(repeating: .zero)
        for j in 0..<K { values[j] = pair(kernel, j, x, step: step) }
        return values
    }
}

/// Stride 1, dilation D: pairs at even places are read, others put together, since reading these would cross cache lines.
private enum AdjacentPairs<let D: Int>: PixelPairs {
    typealias Last = LonePixels<D>

    @inline(__always)
    static func pair<let K: Int>(
        _: InlineArray<K, Lanes>.Type, _ j: Int, _ x: UnsafePointer<Lanes>, step _: Int
    ) -> Pair {
        // Where the kernel begins at an odd place, one pixel more is read.
        let left = K / 2 * D % 2
        let place = left + j * D
        let even = Pair(x - left, place / 2)
        if place % 2 == 0 { return even }
        return Pair(lowHalf: even.highHalf, highHalf: Pair(x - left, place / 2 + 1).lowHalf)
    }
}

/// Any stride, dilation D.
private enum AnyPairs<let D: Int>: PixelPairs {
    typealias Last = LonePixels<D>

    @inline(__always)
    static var areFew: Bool { false }

    @inline(__always)
    static func pair<let K: Int>(
        _: InlineArray<K, Lanes>.Type, _ j: Int, _ x: UnsafePointer<Lanes>, step: Int
    ) -> Pair {
        Pair(at: x + j * D, next: step)
    }
}

/// For an output that has none beside it: what the other would see is zero.
private enum LonePixels<let D: Int>: PixelPairs {
    typealias Last = Self

    @inline(__always)
    static func pair<let K: Int>(
        _: InlineArray<K, Lanes>.Type, _ j: Int, _ x: UnsafePointer<Lanes>, step _: Int
    ) -> Pair {
        Pair(lowHalf: x[j * D], highHalf: .zero)
    }
}

/// The kernel elements of one block.
private struct DepthwiseTaps {
    /// What the kernel's first element sees for the first output.
    let x: UnsafePointer<Lanes>
    /// Pixels from one kernel row to the next.
    let kernelRow: Int
    let dy: UnsafePointer<Lanes>
    let area: GradientArea
    /// One vector an element; the gradient is added to it.
    let target: UnsafeMutablePointer<Lanes>

    /// As many kernel rows at a time as there are registers for.
    @inline(__always)
    func addAll<let K: Int, Pairs: PixelPairs>(_ kernel: InlineArray<K, Lanes>.Type, _ pairs: Pairs.Type) {
        if Pair.isRegister && (K == 3 || pairs.areFew) {
            addRows(kernel, pairs, kernel, first: 0)
        } else if Pair.isRegister || K == 3 {
            for row in stride(from: 0, to: K - 1, by: 2) {
                addRows(kernel, pairs, InlineArray<2, Lanes>.self, first: row)
            }
            addRows(kernel, pairs, InlineArray<1, Lanes>.self, first: K - 1)
        } else {
            for row in 0..<K { addRows(kernel, pairs, InlineArray<1, Lanes>.self, first: row) }
        }
    }

    @inline(__always)
    private func addProducts<let K: Int>(
        _: InlineArray<K, Lanes>.Type, _ values: InlineArray<5, Pair>, _ d: Pair, _ sums: inout InlineArray<5, Pair>
    ) {
        for j in 0..<K { sums[j].addProduct(values[j], d) }
    }

    /// R kernel rows from `first` on. The number of rows changes no number: every element is its own chain.
    @inline(never)
    private func addRows<let K: Int, let R: Int, Pairs: PixelPairs>(
        _ kernel: InlineArray<K, Lanes>.Type, _: Pairs.Type, _: InlineArray<R, Lanes>.Type, first: Int
    ) {
        var sums0 = InlineArray<5, Pair>(repeating: .zero)
        var (sums1, sums2, sums3, sums4) = (sums0, sums0, sums0, sums0)
        var xRow = x + first * kernelRow
        var dRow = dy
        for _ in 0..<area.rows {
            var pixel = xRow
            for column in 0..<area.columns / 2 {
                let d = Pair(dRow, column)
                addProducts(kernel, Pairs.read(kernel, pixel, step: area.xStep), d, &sums0)
                if R > 1 { addProducts(kernel, Pairs.read(kernel, pixel + kernelRow, step: area.xStep), d, &sums1) }
                if R > 2 { addProducts(kernel, Pairs.read(kernel, pixel + 2 * kernelRow, step: area.xStep), d, &sums2) }
                if R > 3 { addProducts(kernel, Pairs.read(kernel, pixel + 3 * kernelRow, step: area.xStep), d, &sums3) }
                if R > 4 { addProducts(kernel, Pairs.read(kernel, pixel + 4 * kernelRow, step: area.xStep), d, &sums4) }
                pixel += 2 * area.xStep
            }
            if area.columns % 2 == 1 {
                let d = Pair(lowHalf: dRow[area.columns - 1], highHalf: .zero)
                addProducts(kernel, Pairs.Last.read(kernel, pixel, step: 0), d, &sums0)
                if R > 1 { addProducts(kernel, Pairs.Last.read(kernel, pixel + kernelRow, step: 0), d, &sums1) }
                if R > 2 { addProducts(kernel, Pairs.Last.read(kernel, pixel + 2 * kernelRow, step: 0), d, &sums2) }
                if R > 3 { addProducts(kernel, Pairs.Last.read(kernel, pixel + 3 * kernelRow, step: 0), d, &sums3) }
                if R > 4 { addProducts(kernel, Pairs.Last.read(kernel, pixel + 4 * kernelRow, step: 0), d, &sums4) }
            }
            xRow += area.xPitch
            dRow += area.dyPitch
        }
        let place = target + first * K
        for j in 0..<K {
            place[j] += sums0[j].lowHalf + sums0[j].highHalf
            if R > 1 { place[K + j] += sums1[j].lowHalf + sums1[j].highHalf }
            if R > 2 { place[2 * K + j] += sums2[j].lowHalf + sums2[j].highHalf }
            if R > 3 { place[3 * K + j] += sums3[j].lowHalf + sums3[j].highHalf }
            if R > 4 { place[4 * K + j] += sums4[j].lowHalf + sums4[j].highHalf }
        }
    }
}
