/// The gradient by input of a depthwise convolution with stride 2 and kernel elements D apart, K × K of them.
///
/// Kernel element i leads from output o to input 2 o + D i − padding: a row or column of the input is reached by the
/// elements of its parity alone. With D = 1 each of four inputs has its own elements; with D = 2 all elements lead to the
/// inputs in even rows and columns. Every input's gradient is one chain of fused multiply-adds over its (kernel row, kernel
/// column).
struct StridedInputGradient<let K: Int, let D: Int> {
    /// Top left of the outputs' gradient, and pixels from one row to the next.
    let dy: UnsafePointer<Lanes>
    let dyPitch: Int
    /// The same of the inputs'.
    let dx: UnsafeMutablePointer<Lanes>
    let dxPitch: Int
    let height: Int
    let width: Int
    let accumulate: Bool
    /// (K, K) vectors, the kernel turned by half a turn.
    let weights: UnsafePointer<Lanes>

    /// One block of one image; `height` and `width` are of the inputs.
    func apply() {
        for row in 0..<height {
            let target = dx + row * dxPitch
            if D == 1 || row % 2 == 0 {
                fill(target, from: dy + row / 2 * dyPitch, rowParity: row % 2)
            } else if !accumulate {
                target.update(repeating: .zero, count: width)
            }
        }
    }

    /// A row of inputs.
    ///
    /// - Parameter source: the row of outputs at the same place.
    @inline(never)
    private func fill(_ target: UnsafeMutablePointer<Lanes>, from source: UnsafePointer<Lanes>, rowParity: Int) {
        // The first kernel row of this parity sees the farthest row of outputs.
        let firstRow = D == 1 ? (rowParity + K / 2) % 2 : 0
        let farthest = source + (rowParity + K / 2 * D - firstRow * D) / 2 * dyPitch
        let weight = weights + (K - 1 - firstRow) * K
        var column = 0
        @inline(__always)
        func tile<V: ChannelVector, let P: Int>(_ outputs: InlineArray<P, V>.Type, hasOdd: Bool = true) {
            self.tile(outputs, farthest + column, weight, firstRow, target + 2 * column, hasOdd: hasOdd)
            column += P * V.blocks
        }
        while column < width / 2 {
            let left = width / 2 - column
            if Pair.isRegister && left >= 8 {
                tile(InlineArray<4, Pair>.self)
            } else if left >= 4 {
                tile(InlineArray<4, Lanes>.self)
            } else {
                tile(InlineArray<1, Lanes>.self)
            }
        }
        if width % 2 == 1 { tile(InlineArray<1, Lanes>.self, hasOdd: false) }
    }

    /// The inputs in P vectors of even columns, and of odd ones.
    @inline(__always)
    private func tile<V: ChannelVector, let P: Int>(
        _: InlineArray<P, V>.Type, _ source: UnsafePointer<Lanes>, _ weights: UnsafePointer<Lanes>, _ firstRow: Int,
        _ target: UnsafeMutablePointer<Lanes>, hasOdd: Bool
    ) {
        let step = 2 * V.blocks
        var even = InlineArray<P, V>(repeating: .zero)
        var odd = even
        if accumulate {
            for p in 0..<P { even[p] = V(at: target + p * step, next: 2) }
            if D == 1 && hasOdd { for p in 0..<P { odd[p] = V(at: target + 1 + p * step, next: 2) } }
        }
        var row = source
        var w = weights
        for _ in stride(from: firstRow, to: K, by: 3 - D) {
            @inline(__always)
            func add(_ element: Int, _ even: inout InlineArray<P, V>, _ odd: inout InlineArray<P, V>) {
                let parity = D == 1 ? (element + K / 2) % 2 : 0
                let outputs = row + (parity + K / 2 * D - element * D) / 2
                let weight = V(each: w[K - 1 - element])
                if parity == 0 {
                    for p in 0..<P { even[p].addProduct(V(outputs, p), weight) }
                } else {
                    for p in 0..<P { odd[p].addProduct(V(outputs, p), weight) }
                }
            }
            // One by one, since the compiler doesn't unroll a loop over five.
            add(0, &even, &odd)
            add(1, &even, &odd)
            add(2, &even, &odd)
            if K == 5 {
                add(3, &even, &odd)
                add(4, &even, &odd)
            }
            row -= dyPitch
            w -= (3 - D) * K
        }
        for p in 0..<P { even[p].store(at: target + p * step, next: 2) }
        if hasOdd && (D == 1 || !accumulate) {
            for p in 0..<P { odd[p].store(at: target + 1 + p * step, next: 2) }
        }
    }
}
