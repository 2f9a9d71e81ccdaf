/// A depthwise convolution for registers of two pixels: four rows of outputs at a time, so that every input pixel is read
/// once for all of them. With stride 1 it is read at even places; what lies at odd places is put together from two
/// registers, since reading it there would cross cache lines.
///
/// Every output is one chain of fused multiply-adds over (kernel row, kernel column), as everywhere.
struct FourRows<let K: Int, let D: Int, let S: Int> {
    /// Top left input of the first output.
    let x: UnsafePointer<Lanes>
    /// Pixels from one row to the next, of the tensors.
    let xPitch: Int
    let yPitch: Int
    let y: UnsafeMutablePointer<Lanes>
    let accumulate: Bool
    let ahead: Prefetch?

    /// Output rows that share an input row are so many rows apart, and begin at the next place.
    private static var rowsApart: Int { S == 1 ? D : 1 }

    /// Kernel rows from one of the four to the next.
    private static var kernelRowsApart: Int { S == 2 && D == 1 ? 2 : 1 }

    /// Whether an image divides into tiles, and has the pixels beside the kernel's that are read.
    static func fits(_ x: BlockedTensor, _ y: BlockedTensor) -> Bool {
        guard y.height % (4 * rowsApart) == 0 else { return false }
        return S == 2 ? y.width % 4 == 0 : y.width % 8 == 0 && x.padding >= 2 && x.padding % 2 == 0
    }

    /// One block of one image.
    ///
    /// - Parameter weights: (K, K) vectors.
    func correlate(height: Int, width: Int, _ weights: UnsafePointer<Lanes>) {
        for group in stride(from: 0, to: height, by: 4 * FourRows.rowsApart) {
            for row in group..<group + FourRows.rowsApart {
                correlate(x + S * row * xPitch, y + row * yPitch, width: width, weights)
            }
        }
    }

    @inline(never)
    private func correlate(
        _ x: UnsafePointer<Lanes>, _ y: UnsafeMutablePointer<Lanes>, width: Int, _ weights: UnsafePointer<Lanes>
    ) {
        var column = 0
        while column < width {
            ahead?.step()
            if S == 1 {
                tile(InlineArray<4, Pair>.self, x + column, y + column, weights)
                column += 8
            } else {
                tile(InlineArray<2, Pair>.self, x + S * column, y + column, weights)
                column += 4
            }
        }
    }

    /// What a row of the kernel sees. Stride 1: pairs at even places, and those between them. Stride 2: what the kernel's
    /// columns see for the first pair of outputs, and for the second. The compiler keeps arrays of eight in registers,
    /// longer ones not.
    @inline(__always)
    private static func pairs<let P: Int>(
        _ row: UnsafePointer<Lanes>, _: InlineArray<P, Pair>.Type
    ) -> (InlineArray<8, Pair>, InlineArray<8, Pair>) {
        var even = InlineArray<8, Pair>(repeating: .zero)
        var odd = even
        if S == 1 {
            for p in 0..<P + (K / 2 * D + 1) / 2 * 2 { even[p] = Pair(row, p) }
            if D == 1 {
                for p in 0..<P + 1 { odd[p] = Pair(lowHalf: even[p].highHalf, highHalf: even[p + 1].lowHalf) }
            }
        } else {
            for j in 0..<K {
                even[j] = Pair(at: row + j * D, next: S)
                odd[j] = Pair(at: row + j * D + 2 * S, next: S)
            }
        }
        return (even, odd)
    }

    /// P pairs of outputs of each row in registers.
    @inline(__always)
    private func tile<let P: Int>(
        _: InlineArray<P, Pair>.Type, _ x: UnsafePointer<Lanes>, _ y: UnsafeMutablePointer<Lanes>,
        _ weights: UnsafePointer<Lanes>
    ) {
        var sums0 = InlineArray<P, Pair>(repeating: .zero)
        var (sums1, sums2, sums3) = (sums0, sums0, sums0)
        let pitch = FourRows.rowsApart * yPitch
        if accumulate {
            for p in 0..<P {
                sums0[p] = Pair(y, p)
                sums1[p] = Pair(y + pitch, p)
                sums2[p] = Pair(y + 2 * pitch, p)
                sums3[p] = Pair(y + 3 * pitch, p)
            }
        }
        let apart = FourRows.kernelRowsApart
        // With stride 1 rows are read from an even place on.
        let left = S == 1 ? K / 2 * D % 2 : 0
        var row = x - left
        var w = weights
        for i in 0..<K + 3 * apart {
            let (even, odd) = FourRows.pairs(row, InlineArray<P, Pair>.self)
            @inline(__always)
            func add(_ w: UnsafePointer<Lanes>, to sums: inout InlineArray<P, Pair>) {
                if S == 2 {
                    for j in 0..<K {
                        let weight = Pair(each: w[j])
                        sums[0].addProduct(even[j], weight)
                        sums[1].addProduct(odd[j], weight)
                    }
                    return
                }
                // Column by column, since the compiler doesn't unroll a loop over five.
                addColumn(0, w, &sums)
                addColumn(1, w, &sums)
                addColumn(2, w, &sums)
                if K == 5 {
                    addColumn(3, w, &sums)
                    addColumn(4, w, &sums)
                }
            }
            @inline(__always)
            func addColumn(_ j: Int, _ w: UnsafePointer<Lanes>, _ sums: inout InlineArray<P, Pair>) {
                let weight = Pair(each: w[j])
                let place = left + j * D
                for p in 0..<P {
                    sums[p].addProduct(place % 2 == 0 ? even[p + place / 2] : odd[p + place / 2], weight)
                }
            }
            if i < K { add(w, to: &sums0) }
            if i >= apart && i < K + apart { add(w - apart * K, to: &sums1) }
            if i >= 2 * apart && i < K + 2 * apart { add(w - 2 * apart * K, to: &sums2) }
            if i >= 3 * apart { add(w - 3 * apart * K, to: &sums3) }
            row += D * xPitch
            w += K
        }
        for p in 0..<P {
            sums0[p].store(p, of: y)
            sums1[p].store(p, of: y + pitch)
            sums2[p].store(p, of: y + 2 * pitch)
            sums3[p].store(p, of: y + 3 * pitch)
        }
    }
}
