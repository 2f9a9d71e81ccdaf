extension TransformedTiles {
    /// Floats of scratch for the transforms of planes of a width.
    public static func stripCount(width: Int) -> Int { 16 * max(6 * (width + 2), 10 * 6 * (width / 4)) }

    /// V = Bᵀ x B for some rows of tiles of an image, row after row from tile `first` on.
    ///
    /// - Parameters:
    ///   - x: one pixel of zero padding, or more.
    ///   - strip: scratch, `stripCount` floats; of all transforms.
    public func transformInput(
        _ x: BlockedTensor, image: Int, tileRows: Range<Int>, at first: Int, strip: UnsafeMutablePointer<Float>
    ) {
        precondition(x.padding >= 1, "a tensor does not fit")
        Profile.enter("Winograd transform", nil, x, floats: floats(x, tileRows, ofTile: 36 + 16))
        defer { Profile.leave() }
        forEachRow(of: x, tileRows, from: first, strip) { block, row, tiles in
            let source = Plane(x.row(image, block, row * 4 - 1) - 1, of: x)
            if tiles.isRegister {
                transformRow(Pair.self, OfInput.self, source, tiles)
            } else {
                transformRow(Lanes.self, OfInput.self, source, tiles)
            }
        }
    }

    /// D = A dy Aᵀ for some rows of tiles of an image, the adjoint of `transformOutput`: what is multiplied with V for a
    /// gradient by weights, and with Uᵀ for one by input.
    public func transformGradient(
        _ dy: BlockedTensor, image: Int, tileRows: Range<Int>, at first: Int, strip: UnsafeMutablePointer<Float>
    ) {
        Profile.enter("Winograd transform", nil, dy, floats: floats(dy, tileRows, ofTile: 36 + 16))
        defer { Profile.leave() }
        forEachRow(of: dy, tileRows, from: first, strip) { block, row, tiles in
            let source = Plane(dy.row(image, block, row * 4), of: dy)
            if tiles.isRegister {
                transformRow(Pair.self, OfGradient.self, source, tiles)
            } else {
                transformRow(Lanes.self, OfGradient.self, source, tiles)
            }
        }
    }

    /// y = Aᵀ m A for some rows of tiles of an image, from tile `first` on.
    ///
    /// - Parameter sums: (blocks, 2, 8): sum and sum of squares of the outputs of each channel are added to it, tile row
    ///   by tile row; nil if not wanted.
    public func transformOutput(
        into y: BlockedTensor, image: Int, tileRows: Range<Int>, from first: Int,
        sums: UnsafeMutablePointer<Double>? = nil, strip: UnsafeMutablePointer<Float>
    ) {
        Profile.enter("Winograd transform", nil, y, floats: floats(y, tileRows, ofTile: 36 + 16))
        defer { Profile.leave() }
        forEachRow(of: y, tileRows, from: first, strip) { block, row, tiles in
            let target = Plane(y.row(image, block, row * 4), of: y)
            let sums = sums.map { $0 + block * 16 }
            if tiles.isRegister {
                outputColumns(Pair.self, tiles)
                outputLines(Pair.self, tiles, target, sums)
            } else {
                outputColumns(Lanes.self, tiles)
                outputLines(Lanes.self, tiles, target, sums)
            }
        }
    }

    /// dx = Σ B m Bᵀ over the tiles of an image, from tile `first` on, which overlap by two pixels: the adjoint of
    /// `transformInput`.
    ///
    /// - Parameter accumulate: whether the result is added to what is in `dx`.
    public func transformInputGradient(
        into dx: BlockedTensor, image: Int, from first: Int, accumulate: Bool, strip: UnsafeMutablePointer<Float>
    ) {
        let rows = 0..<dx.height / 4
        Profile.enter("Winograd transform", nil, dx, floats: floats(dx, rows, ofTile: 36 + (accumulate ? 32 : 16)))
        defer { Profile.leave() }
        forEachRow(of: dx, rows, from: first, strip) { block, row, tiles in
            let target = Plane(dx.row(image, block, 0) + (row * 4 - 1) * (dx.rowPitch / 8), of: dx)
            let complete = (row > 0 ? 0 : 1)..<(row + 1 < rows.count ? 4 : 5)
            if tiles.isRegister {
                inputGradientRow(Pair.self, tiles, complete, target, accumulate: accumulate, common: 0)
            } else {
                inputGradientRow(Lanes.self, tiles, complete, target, accumulate: accumulate, common: block % 2)
            }
        }
    }

    /// Calls `body` with a block, the number of a row of tiles, and its tiles: pair by pair, row by row. With AVX-512 the
    /// first block of a pair stands for both.
    @inline(__always)
    private func forEachRow(
        of tensor: BlockedTensor, _ tileRows: Range<Int>, from first: Int, _ strip: UnsafeMutablePointer<Float>,
        _ body: (_ block: Int, _ row: Int, _ tiles: TileRow) -> Void
    ) {
        let across = tensor.width / 4
        precondition(tensor.blocks == blocks, "a tensor does not fit")
        precondition(first + tileRows.count * across <= capacity && tileRows.upperBound * 4 <= tensor.height)
        let strip = UnsafeMutableRawPointer(strip).assumingMemoryBound(to: Lanes.self)
        for pair in stride(from: 0, to: blocks, by: 2) {
            let end = Pair.isRegister ? pair + 1 : min(pair + 2, blocks)
            for row in tileRows {
                let tile = first + (row - tileRows.lowerBound) * across
                for block in pair..<end {
                    let (start, step) = place(of: block)
                    body(
                        block, row,
                        TileRow(
                            tiles: base + start + tile * step, step: step, positionPitch: positionPitch, across: across,
                            strip: strip))
                }
            }
        }
    }

    // For the profile.
    private func floats(_ tensor: BlockedTensor, _ tileRows: Range<Int>, ofTile count: Int) -> Int {
        tileRows.count * (tensor.width / 4) * blocks * 8 * count
    }
}

/// Pixels of one block, and of the one after it, from some pixel on.
private struct Plane {
    let first: UnsafeMutablePointer<Lanes>
    /// Vectors from one row to the next, and from one block to the next.
    let rowPitch: Int
    let blockPitch: Int

    init(_ pixel: UnsafeMutablePointer<Lanes>, of tensor: BlockedTensor) {
        first = pixel
        rowPitch = tensor.rowPitch / 8
        blockPitch = tensor.planePitch / 8
    }

    @inline(__always)
    func pixel<V: ChannelVector>(_: V.Type, _ row: Int, _ column: Int) -> V {
        V(at: first + row * rowPitch + column, next: blockPitch)
    }

    @inline(__always)
    func put<V: ChannelVector>(_ vector: V, _ row: Int, _ column: Int) {
        vector.store(at: first + row * rowPitch + column, next: blockPitch)
    }
}

/// A row of tiles of one block, or of a pair, and the memory for their transform.
private struct TileRow {
    /// The first tile at position 0.
    let tiles: UnsafeMutablePointer<Lanes>
    /// Vectors from one tile to the next, and from one position to the next.
    let step: Int
    let positionPitch: Int
    /// Tiles.
    let across: Int
    let strip: UnsafeMutablePointer<Lanes>

    /// Whether both blocks of the pair are transformed at once.
    @inline(__always)
    var isRegister: Bool { Pair.isRegister && step == 2 }
}

/// A transform of pixels to tiles. (A type, since the compiler makes calls of generic closures.)
private protocol TileTransform {
    /// Pixels beyond four for each tile.
    static var overlap: Int { get }

    /// Six results down a column of pixels.
    static func down<V: ChannelVector>(_: V.Type, _ plane: Plane, _ column: Int) -> F4.Six<V>

    /// Six results along a row of those.
    static func along<V: ChannelVector>(_: V.Type, _ strip: UnsafePointer<Lanes>) -> F4.Six<V>
}

/// Bᵀ.
private enum OfInput: TileTransform {
    static var overlap: Int { 2 }

    @inline(__always)
    static func down<V: ChannelVector>(_: V.Type, _ x: Plane, _ column: Int) -> F4.Six<V> {
        F4.input(
            (
                x.pixel(V.self, 0, column), x.pixel(V.self, 1, column), x.pixel(V.self, 2, column),
                x.pixel(V.self, 3, column), x.pixel(V.self, 4, column), x.pixel(V.self, 5, column)
            ))
    }

    @inline(__always)
    static func along<V: ChannelVector>(_: V.Type, _ strip: UnsafePointer<Lanes>) -> F4.Six<V> {
        F4.input(F4.load(V.self, at: strip, every: V.blocks))
    }
}

/// A.
private enum OfGradient: TileTransform {
    static var overlap: Int { 0 }

    @inline(__always)
    static func down<V: ChannelVector>(_: V.Type, _ dy: Plane, _ column: Int) -> F4.Six<V> {
        F4.gradient(
            dy.pixel(V.self, 0, column), dy.pixel(V.self, 1, column), dy.pixel(V.self, 2, column),
            dy.pixel(V.self, 3, column))
    }

    @inline(__always)
    static func along<V: ChannelVector>(_: V.Type, _ strip: UnsafePointer<Lanes>) -> F4.Six<V> {
        F4.gradient(V(strip, 0), V(strip, 1), V(strip, 2), V(strip, 3))
    }
}

/// A row of tiles from pixels: down the columns, then along the six rows of each tile.
@inline(never)
private func transformRow<V: ChannelVector, T: TileTransform>(_: V.Type, _: T.Type, _ plane: Plane, _ row: TileRow) {
    let width = row.across * 4 + T.overlap
    let pitch = width * V.blocks
    for column in 0..<width { F4.store(T.down(V.self, plane, column), at: row.strip + column * V.blocks, every: pitch) }
    for line in 0..<6 {
        let s = UnsafePointer(row.strip) + line * pitch
        let v = row.tiles + line * 6 * row.positionPitch
        for tile in 0..<row.across {
            F4.store(T.along(V.self, s + tile * 4 * V.blocks), at: v + tile * row.step, every: row.positionPitch)
        }
    }
}

/// Aᵀ down the columns of a row of tiles, to (4 rows, tiles, 6 columns).
@inline(never)
private func outputColumns<V: ChannelVector>(_: V.Type, _ row: TileRow) {
    let pitch = row.across * 6 * V.blocks
    for column in 0..<6 {
        let m = UnsafePointer(row.tiles) + column * row.positionPitch
        for tile in 0..<row.across {
            let t = F4.output(F4.load(V.self, at: m + tile * row.step, every: 6 * row.positionPitch))
            let s = row.strip + (tile * 6 + column) * V.blocks
            t.0.store(0, of: s)
            t.1.store(0, of: s + pitch)
            t.2.store(0, of: s + 2 * pitch)
            t.3.store(0, of: s + 3 * pitch)
        }
    }
}

/// Aᵀ along the rows of a row of tiles, from (4 rows, tiles, 6 columns). For the sums each of a tile's four columns has its
/// own, which are added at the end, in Float; then in Double.
@inline(never)
private func outputLines<V: ChannelVector>(
    _: V.Type, _ row: TileRow, _ y: Plane, _ sums: UnsafeMutablePointer<Double>?
) {
    var total = (V.zero, V.zero, V.zero, V.zero)
    var square = (V.zero, V.zero, V.zero, V.zero)
    for line in 0..<4 {
        let s = UnsafePointer(row.strip) + line * row.across * 6 * V.blocks
        for tile in 0..<row.across {
            let t = F4.output(F4.load(V.self, at: s + tile * 6 * V.blocks, every: V.blocks))
            y.put(t.0, line, tile * 4)
            y.put(t.1, line, tile * 4 + 1)
            y.put(t.2, line, tile * 4 + 2)
            y.put(t.3, line, tile * 4 + 3)
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
    guard let sums else { return }
    ((total.0 + total.1) + (total.2 + total.3)).addToSums(sums)
    ((square.0 + square.1) + (square.2 + square.3)).addToSums(sums + 8)
}

/// B down the columns of a row of tiles, then along those of their six rows that are complete.
///
/// - Parameter common: 0 or 1: which of two places keeps what this row of tiles and the next have in common.
@inline(__always)
private func inputGradientRow<V: ChannelVector>(
    _: V.Type, _ row: TileRow, _ complete: Range<Int>, _ dx: Plane, accumulate: Bool, common: Int
) {
    let pitch = row.across * 6 * V.blocks
    let common = row.strip + (6 + 2 * common) * pitch
    if complete.lowerBound > 0 { common.update(repeating: .zero, count: 2 * pitch) }
    inputGradientColumns(V.self, row, common: common)
    inputGradientLines(V.self, row, complete, dx, accumulate: accumulate)
}

/// B down the columns of a row of tiles, to (6 rows, tiles, 6 columns).
///
/// - Parameter common: (2 rows, tiles, 6 columns): is added to the first two rows, and receives the last two.
@inline(never)
private func inputGradientColumns<V: ChannelVector>(
    _: V.Type, _ row: TileRow, common: UnsafeMutablePointer<Lanes>
) {
    let pitch = row.across * 6 * V.blocks
    for column in 0..<6 {
        let m = UnsafePointer(row.tiles) + column * row.positionPitch
        for tile in 0..<row.across {
            let t = F4.inputGradient(F4.load(V.self, at: m + tile * row.step, every: 6 * row.positionPitch))
            let place = (tile * 6 + column) * V.blocks
            let (s, c) = (row.strip + place, common + place)
            (t.0 + V(c, 0)).store(0, of: s)
            (t.1 + V(c + pitch, 0)).store(0, of: s + pitch)
            t.2.store(0, of: s + 2 * pitch)
            t.3.store(0, of: s + 3 * pitch)
            t.4.store(0, of: s + 4 * pitch)
            t.4.store(0, of: c)
            t.5.store(0, of: c + pitch)
        }
    }
}

/// B along some of the rows of a row of tiles, from (6 rows, tiles, 6 columns). The last two columns of a tile are the
/// first two of the next; what lies beside the image is dropped.
@inline(never)
private func inputGradientLines<V: ChannelVector>(
    _: V.Type, _ row: TileRow, _ lines: Range<Int>, _ dx: Plane, accumulate: Bool
) {
    for line in lines {
        let s = UnsafePointer(row.strip) + line * row.across * 6 * V.blocks
        var fifth = V.zero
        var sixth = V.zero
        for tile in 0..<row.across {
            let t = F4.inputGradient(F4.load(V.self, at: s + tile * 6 * V.blocks, every: V.blocks))
            if tile > 0 { put(fifth + t.0, line, tile * 4 - 1, of: dx, accumulate) }
            put(sixth + t.1, line, tile * 4, of: dx, accumulate)
            put(t.2, line, tile * 4 + 1, of: dx, accumulate)
            put(t.3, line, tile * 4 + 2, of: dx, accumulate)
            (fifth, sixth) = (t.4, t.5)
        }
        put(fifth, line, row.across * 4 - 1, of: dx, accumulate)
    }
}

@inline(__always)
private func put<V: ChannelVector>(_ new: V, _ line: Int, _ column: Int, of dx: Plane, _ accumulate: Bool) {
    dx.put(accumulate ? dx.pixel(V.self, line, column) + new : new, line, column)
}
