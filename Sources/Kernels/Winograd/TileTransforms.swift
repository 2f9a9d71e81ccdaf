extension TransformedTiles {
    /// V = Bᵀ x B for some rows of tiles of an image, row after row from tile `first` on.
    ///
    /// - Parameters:
    ///   - x: one pixel of zero padding, or more.
    ///   - strip: scratch, 6 × (width + 2) vectors.
    public func transformInput(
        _ x: BlockedTensor, image: Int, tileRows: Range<Int>, at first: Int, strip: UnsafeMutablePointer<Float>
    ) {
        let across = x.width / 4
        precondition(x.blocks == blocks && x.padding >= 1, "a tensor does not fit")
        Profile.enter("Winograd transform", nil, x, floats: tileRows.count * across * blocks * 8 * (36 + 16))
        defer { Profile.leave() }
        precondition(first + tileRows.count * across <= capacity && tileRows.upperBound * 4 <= x.height)
        let strip = UnsafeMutableRawPointer(strip).assumingMemoryBound(to: Lanes.self)
        for block in 0..<blocks {
            var target = base + block * capacity + first
            for row in tileRows {
                inputRow(
                    UnsafePointer(x.row(image, block, row * 4 - 1) - 1), pitch: x.rowPitch / 8, across: across,
                    strip: strip, into: target, positionPitch: positionPitch)
                target += across
            }
        }
    }

    /// D = A dy Aᵀ for some rows of tiles of an image: what a gradient by weights multiplies with V.
    ///
    /// - Parameter strip: scratch, 6 × width vectors.
    public func transformGradient(
        _ dy: BlockedTensor, image: Int, tileRows: Range<Int>, at first: Int, strip: UnsafeMutablePointer<Float>
    ) {
        let across = dy.width / 4
        precondition(dy.blocks == blocks, "a tensor does not fit")
        Profile.enter("Winograd transform", nil, dy, floats: tileRows.count * across * blocks * 8 * (36 + 16))
        defer { Profile.leave() }
        precondition(first + tileRows.count * across <= capacity && tileRows.upperBound * 4 <= dy.height)
        let strip = UnsafeMutableRawPointer(strip).assumingMemoryBound(to: Lanes.self)
        for block in 0..<blocks {
            var target = base + block * capacity + first
            for row in tileRows {
                gradientRow(
                    UnsafePointer(dy.row(image, block, row * 4)), pitch: dy.rowPitch / 8, across: across,
                    strip: strip, into: target, positionPitch: positionPitch)
                target += across
            }
        }
    }

    /// y = Aᵀ m A for some rows of tiles of an image, from tile `first` on.
    ///
    /// - Parameters:
    ///   - accumulate: whether the result is added to what is in `y`.
    ///   - sums: (blocks, 2, 8): sum and sum of squares of the outputs of each channel are added to it, tile row by
    ///     tile row; nil if not wanted.
    ///   - strip: scratch, 6 × width vectors.
    public func transformOutput(
        into y: BlockedTensor, image: Int, tileRows: Range<Int>, from first: Int, accumulate: Bool = false,
        sums: UnsafeMutablePointer<Double>? = nil, strip: UnsafeMutablePointer<Float>
    ) {
        let across = y.width / 4
        precondition(y.blocks == blocks, "a tensor does not fit")
        Profile.enter(
            "Winograd transform", nil, y, floats: tileRows.count * across * blocks * 8 * (36 + (accumulate ? 32 : 16)))
        defer { Profile.leave() }
        precondition(first + tileRows.count * across <= capacity && tileRows.upperBound * 4 <= y.height)
        let strip = UnsafeMutableRawPointer(strip).assumingMemoryBound(to: Lanes.self)
        for block in 0..<blocks {
            var source = UnsafePointer(base) + block * capacity + first
            for row in tileRows {
                let target = y.row(image, block, row * 4)
                outputColumns(source, positionPitch: positionPitch, across: across, into: strip)
                if accumulate {
                    outputRows(strip, across: across, into: target, pitch: y.rowPitch / 8) { old, new in old + new }
                } else if let sums {
                    outputRows(
                        strip, across: across, into: target, pitch: y.rowPitch / 8, sums: sums + block * 16)
                } else {
                    outputRows(strip, across: across, into: target, pitch: y.rowPitch / 8) { _, new in new }
                }
                source += across
            }
        }
    }
}

/// One row of tiles, one block: Bᵀ down the columns, then along the rows.
@inline(never)
private func inputRow(
    _ x: UnsafePointer<Lanes>, pitch: Int, across: Int, strip: UnsafeMutablePointer<Lanes>,
    into target: UnsafeMutablePointer<Lanes>, positionPitch: Int
) {
    let width = across * 4 + 2
    for column in 0..<width {
        let d = x + column
        let t = F4.input(d[0], d[pitch], d[2 * pitch], d[3 * pitch], d[4 * pitch], d[5 * pitch])
        let s = strip + column
        (s[0], s[width], s[2 * width]) = (t.0, t.1, t.2)
        (s[3 * width], s[4 * width], s[5 * width]) = (t.3, t.4, t.5)
    }
    for row in 0..<6 {
        let s = strip + row * width
        let v = target + row * 6 * positionPitch
        for tile in 0..<across {
            let d = s + tile * 4
            let t = F4.input(d[0], d[1], d[2], d[3], d[4], d[5])
            let o = v + tile
            (o[0], o[positionPitch], o[2 * positionPitch]) = (t.0, t.1, t.2)
            (o[3 * positionPitch], o[4 * positionPitch], o[5 * positionPitch]) = (t.3, t.4, t.5)
        }
    }
}

/// One row of tiles, one block: A down the columns, then along the rows.
@inline(never)
private func gradientRow(
    _ dy: UnsafePointer<Lanes>, pitch: Int, across: Int, strip: UnsafeMutablePointer<Lanes>,
    into target: UnsafeMutablePointer<Lanes>, positionPitch: Int
) {
    let width = across * 4
    for column in 0..<width {
        let d = dy + column
        let t = F4.gradient(d[0], d[pitch], d[2 * pitch], d[3 * pitch])
        let s = strip + column
        (s[0], s[width], s[2 * width]) = (t.0, t.1, t.2)
        (s[3 * width], s[4 * width], s[5 * width]) = (t.3, t.4, t.5)
    }
    for row in 0..<6 {
        let s = strip + row * width
        let v = target + row * 6 * positionPitch
        for tile in 0..<across {
            let d = s + tile * 4
            let t = F4.gradient(d[0], d[1], d[2], d[3])
            let o = v + tile
            (o[0], o[positionPitch], o[2 * positionPitch]) = (t.0, t.1, t.2)
            (o[3 * positionPitch], o[4 * positionPitch], o[5 * positionPitch]) = (t.3, t.4, t.5)
        }
    }
}

/// Aᵀ down the columns of a row of tiles, to (4 rows, tiles, 6 columns).
@inline(never)
private func outputColumns(
    _ source: UnsafePointer<Lanes>, positionPitch: Int, across: Int, into strip: UnsafeMutablePointer<Lanes>
) {
    let down = 6 * positionPitch
    for column in 0..<6 {
        let m = source + column * positionPitch
        for tile in 0..<across {
            let p = m + tile
            let t = F4.output(p[0], p[down], p[2 * down], p[3 * down], p[4 * down], p[5 * down])
            let s = strip + tile * 6 + column
            (s[0], s[across * 6], s[2 * across * 6], s[3 * across * 6]) = (t.0, t.1, t.2, t.3)
        }
    }
}

/// Aᵀ along the rows of a row of tiles, from (4 rows, tiles, 6 columns).
@inline(__always)
private func outputRows(
    _ strip: UnsafePointer<Lanes>, across: Int, into y: UnsafeMutablePointer<Lanes>, pitch: Int,
    combine: (Lanes, Lanes) -> Lanes
) {
    for row in 0..<4 {
        let s = strip + row * across * 6
        let target = y + row * pitch
        for tile in 0..<across {
            let m = s + tile * 6
            let t = F4.output(m[0], m[1], m[2], m[3], m[4], m[5])
            let o = target + tile * 4
            (o[0], o[1]) = (combine(o[0], t.0), combine(o[1], t.1))
            (o[2], o[3]) = (combine(o[2], t.2), combine(o[3], t.3))
        }
    }
}

/// The same with sums: each of a tile's four columns has its own, which are added at the end, in Float; then in Double.
@inline(never)
private func outputRows(
    _ strip: UnsafePointer<Lanes>, across: Int, into y: UnsafeMutablePointer<Lanes>, pitch: Int,
    sums: UnsafeMutablePointer<Double>
) {
    var total = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
    var square = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
    for row in 0..<4 {
        let s = strip + row * across * 6
        let target = y + row * pitch
        for tile in 0..<across {
            let m = s + tile * 6
            let t = F4.output(m[0], m[1], m[2], m[3], m[4], m[5])
            let o = target + tile * 4
            (o[0], o[1], o[2], o[3]) = t
            total.0 += t.0
            total.1 += t.1
            total.2 += t.2
            total.3 += t.3
            square.0.addProduct(t.0, t.0)
            square.1.addProduct(t.1, t.1)
            square.2.addProduct(t.2, t.2)
            square.3.addProduct(t.3, t.3)
        }
    }
    let sum = (total.0 + total.1) + (total.2 + total.3)
    let squares = (square.0 + square.1) + (square.2 + square.3)
    for lane in 0..<8 {
        sums[lane] += Double(sum[lane])
        sums[8 + lane] += Double(squares[lane])
    }
}
