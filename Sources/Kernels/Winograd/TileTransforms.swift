extension TransformedTiles {
    /// V = Bᵀ x B for some rows of tiles of an image, row after row from tile `first` on.
    ///
    /// - Parameters:
    ///   - x: one pixel of zero padding, or more.
    ///   - strip: scratch, 6 × (width + 2) vectors.
    public func transformInput(
        _ x: BlockedTensor, image: Int, tileRows: Range<Int>, at first: Int, strip: UnsafeMutablePointer<Float>
    ) {
        precondition(x.padding >= 1, "a tensor does not fit")
        Profile.enter("Winograd transform", nil, x, floats: floats(x, tileRows, ofTile: 36 + 16))
        defer { Profile.leave() }
        forEachRow(of: x, tileRows, from: first, strip) { block, row, tiles, strip in
            inputRow(
                UnsafePointer(x.row(image, block, row * 4 - 1) - 1), pitch: x.rowPitch / 8, across: x.width / 4,
                strip: strip, into: tiles, positionPitch: positionPitch)
        }
    }

    /// D = A dy Aᵀ for some rows of tiles of an image, the adjoint of `transformOutput`: what is multiplied with V for a
    /// gradient by weights, and with Uᵀ for one by input.
    ///
    /// - Parameter strip: scratch, 6 × width vectors.
    public func transformGradient(
        _ dy: BlockedTensor, image: Int, tileRows: Range<Int>, at first: Int, strip: UnsafeMutablePointer<Float>
    ) {
        Profile.enter("Winograd transform", nil, dy, floats: floats(dy, tileRows, ofTile: 36 + 16))
        defer { Profile.leave() }
        forEachRow(of: dy, tileRows, from: first, strip) { block, row, tiles, strip in
            gradientRow(
                UnsafePointer(dy.row(image, block, row * 4)), pitch: dy.rowPitch / 8, across: dy.width / 4,
                strip: strip, into: tiles, positionPitch: positionPitch)
        }
    }

    /// y = Aᵀ m A for some rows of tiles of an image, from tile `first` on.
    ///
    /// - Parameters:
    ///   - sums: (blocks, 2, 8): sum and sum of squares of the outputs of each channel are added to it, tile row by
    ///     tile row; nil if not wanted.
    ///   - strip: scratch, 6 × width vectors.
    public func transformOutput(
        into y: BlockedTensor, image: Int, tileRows: Range<Int>, from first: Int,
        sums: UnsafeMutablePointer<Double>? = nil, strip: UnsafeMutablePointer<Float>
    ) {
        Profile.enter("Winograd transform", nil, y, floats: floats(y, tileRows, ofTile: 36 + 16))
        defer { Profile.leave() }
        let (across, pitch) = (y.width / 4, y.rowPitch / 8)
        forEachRow(of: y, tileRows, from: first, strip) { block, row, tiles, strip in
            let target = y.row(image, block, row * 4)
            outputColumns(UnsafePointer(tiles), positionPitch: positionPitch, across: across, into: strip)
            if let sums {
                outputRows(strip, across: across, into: target, pitch: pitch, sums: sums + block * 16)
            } else {
                outputRows(strip, across: across, into: target, pitch: pitch)
            }
        }
    }

    /// dx = Σ B m Bᵀ over the tiles of an image, from tile `first` on, which overlap by two pixels: the adjoint of
    /// `transformInput`.
    ///
    /// - Parameters:
    ///   - accumulate: whether the result is added to what is in `dx`.
    ///   - strip: scratch, `inputGradientStrip(width:)` floats.
    public func transformInputGradient(
        into dx: BlockedTensor, image: Int, from first: Int, accumulate: Bool, strip: UnsafeMutablePointer<Float>
    ) {
        let rows = 0..<dx.height / 4
        Profile.enter("Winograd transform", nil, dx, floats: floats(dx, rows, ofTile: 36 + (accumulate ? 32 : 16)))
        defer { Profile.leave() }
        let (across, pitch) = (dx.width / 4, dx.rowPitch / 8)
        forEachRow(of: dx, rows, from: first, strip) { block, row, tiles, strip in
            // Of this row of tiles, and of the one before, whose last two rows are the first two of this one.
            let here = strip + row % 2 * across * 36
            let before = row > 0 ? UnsafePointer(strip) + (row + 1) % 2 * across * 36 : nil
            inputGradientColumns(
                UnsafePointer(tiles), positionPitch: positionPitch, across: across, into: here, before: before)
            let target = dx.row(image, block, 0) + (row * 4 - 1) * pitch
            let complete = (row > 0 ? 0 : 1)..<(row + 1 < rows.count ? 4 : 5)
            if accumulate {
                inputGradientRows(here, complete, across: across, into: target, pitch: pitch) { old, new in old + new }
            } else {
                inputGradientRows(here, complete, across: across, into: target, pitch: pitch) { _, new in new }
            }
        }
    }

    /// Floats of scratch for `transformInputGradient`.
    public static func inputGradientStrip(width: Int) -> Int { 2 * 36 * (width / 4) * 8 }

    /// Calls `body` with block, row of tiles, and the first tile of the row at position 0.
    @inline(__always)
    private func forEachRow(
        of tensor: BlockedTensor, _ tileRows: Range<Int>, from first: Int, _ strip: UnsafeMutablePointer<Float>,
        _ body: (Int, Int, UnsafeMutablePointer<Lanes>, UnsafeMutablePointer<Lanes>) -> Void
    ) {
        let across = tensor.width / 4
        precondition(tensor.blocks == blocks, "a tensor does not fit")
        precondition(first + tileRows.count * across <= capacity && tileRows.upperBound * 4 <= tensor.height)
        let strip = UnsafeMutableRawPointer(strip).assumingMemoryBound(to: Lanes.self)
        for block in 0..<blocks {
            var tiles = base + block * capacity + first
            for row in tileRows {
                body(block, row, tiles, strip)
                tiles += across
            }
        }
    }

    // For the profile.
    private func floats(_ tensor: BlockedTensor, _ tileRows: Range<Int>, ofTile count: Int) -> Int {
        tileRows.count * (tensor.width / 4) * blocks * 8 * count
    }
}

/// Bᵀ down the columns of a row of tiles, then along the rows; one block.
@inline(never)
private func inputRow(
    _ x: UnsafePointer<Lanes>, pitch: Int, across: Int, strip: UnsafeMutablePointer<Lanes>,
    into target: UnsafeMutablePointer<Lanes>, positionPitch: Int
) {
    transformRow(width: across * 4 + 2, across: across, strip, into: target, positionPitch) { column in
        let d = x + column
        return F4.input(d[0], d[pitch], d[2 * pitch], d[3 * pitch], d[4 * pitch], d[5 * pitch])
    } along: { d in
        F4.input(d[0], d[1], d[2], d[3], d[4], d[5])
    }
}

/// A down the columns of a row of tiles, then along the rows; one block.
@inline(never)
private func gradientRow(
    _ dy: UnsafePointer<Lanes>, pitch: Int, across: Int, strip: UnsafeMutablePointer<Lanes>,
    into target: UnsafeMutablePointer<Lanes>, positionPitch: Int
) {
    transformRow(width: across * 4, across: across, strip, into: target, positionPitch) { column in
        let d = dy + column
        return F4.gradient(d[0], d[pitch], d[2 * pitch], d[3 * pitch])
    } along: { d in
        F4.gradient(d[0], d[1], d[2], d[3])
    }
}

/// A transform of six results down `width` columns, then along the six rows of each tile.
@inline(__always)
private func transformRow(
    width: Int, across: Int, _ strip: UnsafeMutablePointer<Lanes>, into target: UnsafeMutablePointer<Lanes>,
    _ positionPitch: Int, down: (Int) -> F4.Six, along: (UnsafePointer<Lanes>) -> F4.Six
) {
    for column in 0..<width { F4.store(down(column), at: strip + column, every: width) }
    for row in 0..<6 {
        let s = UnsafePointer(strip) + row * width
        let v = target + row * 6 * positionPitch
        for tile in 0..<across { F4.store(along(s + tile * 4), at: v + tile, every: positionPitch) }
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
@inline(never)
private func outputRows(
    _ strip: UnsafePointer<Lanes>, across: Int, into y: UnsafeMutablePointer<Lanes>, pitch: Int
) {
    for row in 0..<4 {
        let s = strip + row * across * 6
        let target = y + row * pitch
        for tile in 0..<across {
            let m = s + tile * 6
            let t = F4.output(m[0], m[1], m[2], m[3], m[4], m[5])
            let o = target + tile * 4
            (o[0], o[1], o[2], o[3]) = t
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

/// B down the columns of a row of tiles, to (6 rows, tiles, 6 columns); to the first two rows the last two of the row of
/// tiles before are added.
@inline(never)
private func inputGradientColumns(
    _ source: UnsafePointer<Lanes>, positionPitch: Int, across: Int, into strip: UnsafeMutablePointer<Lanes>,
    before: UnsafePointer<Lanes>?
) {
    let (down, rowPitch) = (6 * positionPitch, across * 6)
    for column in 0..<6 {
        let m = source + column * positionPitch
        for tile in 0..<across {
            let p = m + tile
            let t = F4.inputGradient(p[0], p[down], p[2 * down], p[3 * down], p[4 * down], p[5 * down])
            F4.store(t, at: strip + tile * 6 + column, every: rowPitch)
        }
    }
    guard let before else { return }
    for i in 0..<2 * rowPitch { strip[i] += before[4 * rowPitch + i] }
}

/// B along some of the rows of a row of tiles, from (6 rows, tiles, 6 columns). The last two columns of a tile are the
/// first two of the next; what lies beside the image is dropped.
@inline(__always)
private func inputGradientRows(
    _ strip: UnsafePointer<Lanes>, _ rows: Range<Int>, across: Int, into y: UnsafeMutablePointer<Lanes>, pitch: Int,
    combine: (Lanes, Lanes) -> Lanes
) {
    for row in rows {
        let s = strip + row * across * 6
        let target = y + row * pitch
        var fifth = Lanes.zero
        var sixth = Lanes.zero
        for tile in 0..<across {
            let m = s + tile * 6
            let t = F4.inputGradient(m[0], m[1], m[2], m[3], m[4], m[5])
            let o = target + tile * 4
            if tile > 0 { o[-1] = combine(o[-1], fifth + t.0) }
            o[0] = combine(o[0], sixth + t.1)
            (o[1], o[2]) = (combine(o[1], t.2), combine(o[2], t.3))
            (fifth, sixth) = (t.4, t.5)
        }
        let end = target + across * 4 - 1
        end.pointee = combine(end.pointee, fifth)
    }
}
