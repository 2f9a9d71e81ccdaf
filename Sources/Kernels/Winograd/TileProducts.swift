extension WinogradConvolution {
    /// M = V U at every position: each element is one chain of fused multiply-adds over input channels.
    ///
    /// - Parameters:
    ///   - v: the input's tiles.
    ///   - packed: from `transformWeights`.
    ///   - m: receives the products; tiles 0 ..< `tiles` of it.
    ///   - accumulate: whether the products are added to what is in `m`.
    ///   - ahead: what is fetched meanwhile.
    public func multiply(
        _ v: TransformedTiles, packed: UnsafePointer<Float>, tiles: Int, into m: TransformedTiles,
        accumulate: Bool = false, ahead: Prefetch? = nil
    ) {
        precondition(v.blocks == inputBlocks && m.blocks == outputBlocks, "channels do not fit")
        precondition(tiles <= v.capacity && tiles <= m.capacity, "too many tiles")
        let weights = UnsafeRawPointer(packed).assumingMemoryBound(to: Lanes.self)
        for position in 0..<36 {
            var u = weights + position * packedPitch
            let source = ProductSource(
                v: UnsafeRawPointer(v.base + position * v.positionPitch).assumingMemoryBound(to: Float.self),
                channels: inputChannels, pairPitch: v.capacity * 16)
            let target = m.base + position * m.positionPitch
            var block = 0
            while block < outputBlocks {
                if Pair.isRegister && block + 4 <= outputBlocks {
                    productRows(
                        source, u, next: packedPitch, target + block * m.capacity, pairPitch: 2 * m.capacity, tiles,
                        accumulate, ahead)
                    u += 4 * inputChannels
                    block += 4
                } else if block + 1 < outputBlocks {
                    productRow(
                        Pair.self, source, u, next: packedPitch, target + block * m.capacity, tiles, accumulate, ahead)
                    u += 2 * inputChannels
                    block += 2
                } else {
                    productRow(
                        Lanes.self, source, u, next: packedPitch, target + block * m.capacity, tiles, accumulate, ahead)
                    u += inputChannels
                    block += 1
                }
            }
        }
    }
}

/// The tiles of one position.
private struct ProductSource {
    let v: UnsafePointer<Float>
    let channels: Int
    /// Floats from one pair of blocks to the next.
    let pairPitch: Int
}

/// All tiles of one position for one vector V of output channels.
///
/// - Parameter next: vectors from the weights to those of the next position, which are on their way from the memory
///   meanwhile, a few lines for each of the register tiles.
@inline(never)
private func productRow<V: ChannelVector>(
    _ vector: V.Type, _ source: ProductSource, _ u: UnsafePointer<Lanes>, next: Int,
    _ m: UnsafeMutablePointer<Lanes>, _ tiles: Int, _ accumulate: Bool, _ ahead: Prefetch?
) {
    var start = 0
    let vectors = source.channels * V.blocks
    let share = (vectors * 16 + tiles - 1) / tiles
    var nextWeights = u + next
    @inline(__always)
    func some<let P: Int, let H: Int>(_ tiles: InlineArray<P, V>.Type, _ halves: InlineArray<H, Lanes>.Type) {
        productTile(tiles, halves, source, first: start, u, m + start * V.blocks, accumulate)
        start += P * H
    }
    while start < tiles {
        prefetch(nextWeights, share)
        nextWeights += share
        ahead?.step()
        switch V.tileWidth(left: tiles - start) {
        case 16: some(InlineArray<8, V>.self, InlineArray<2, Lanes>.self)
        case 8: some(InlineArray<8, V>.self, InlineArray<1, Lanes>.self)
        case 6: some(InlineArray<6, V>.self, InlineArray<1, Lanes>.self)
        case 4: some(InlineArray<4, V>.self, InlineArray<1, Lanes>.self)
        case 2: some(InlineArray<2, V>.self, InlineArray<1, Lanes>.self)
        default: some(InlineArray<1, V>.self, InlineArray<1, Lanes>.self)
        }
    }
}

/// P × H tiles of one vector of output channels in registers.
@inline(__always)
private func productTile<V: ChannelVector, let P: Int, let H: Int>(
    _: InlineArray<P, V>.Type, _ h: InlineArray<H, Lanes>.Type, _ source: ProductSource, first tile: Int,
    _ u: UnsafePointer<Lanes>, _ m: UnsafeMutablePointer<Lanes>, _ accumulate: Bool
) {
    var first = InlineArray<P, V>(repeating: .zero)
    var second = InlineArray<P, V>(repeating: .zero)
    if accumulate {
        for p in 0..<P { first[p] = V(m, p) }
        if H == 2 { for p in 0..<P { second[p] = V(m, P + p) } }
    }
    var w = u
    var pair = source.v
    for _ in 0..<source.channels / 16 {
        let x = pair + tile * 16
        for lane in 0..<16 { multiply(x + lane, V(w, lane), &first, &second, h, InlineArray<2, Lanes>.self) }
        w += 16 * V.blocks
        pair += source.pairPitch
    }
    let left = source.channels % 16
    if left > 8 {
        let x = pair + tile * 16
        for lane in 0..<left { multiply(x + lane, V(w, lane), &first, &second, h, InlineArray<2, Lanes>.self) }
    } else {
        let x = pair + tile * 8
        for lane in 0..<left { multiply(x + lane, V(w, lane), &first, &second, h, InlineArray<1, Lanes>.self) }
    }
    for p in 0..<P { first[p].store(p, of: m) }
    if H == 2 { for p in 0..<P { second[p].store(P + p, of: m) } }
}

/// All tiles of one position for two pairs of blocks of output channels, where a pair is one register: an input that is
/// read serves both. With one pair there is a load for each multiply-add, as many as the processor has at most.
///
/// - Parameter pairPitch: vectors from the products of the first pair to those of the second.
@inline(never)
private func productRows(
    _ source: ProductSource, _ u: UnsafePointer<Lanes>, next: Int, _ m: UnsafeMutablePointer<Lanes>, pairPitch: Int,
    _ tiles: Int, _ accumulate: Bool, _ ahead: Prefetch?
) {
    var start = 0
    let share = (source.channels * 4 * 8 + tiles - 1) / tiles
    var nextWeights = u + next
    @inline(__always)
    func some<let P: Int>(_ tiles: InlineArray<P, Pair>.Type) {
        productTile(tiles, source, first: start, u, m + start * 2, pairPitch, accumulate)
        start += P
    }
    while start < tiles {
        prefetch(nextWeights, share)
        nextWeights += share
        ahead?.step()
        switch tiles - start {
        case 8...: some(InlineArray<8, Pair>.self)
        case 4...: some(InlineArray<4, Pair>.self)
        case 2...: some(InlineArray<2, Pair>.self)
        default: some(InlineArray<1, Pair>.self)
        }
    }
}

/// P tiles of two pairs of blocks of output channels in registers.
@inline(__always)
private func productTile<let P: Int>(
    _: InlineArray<P, Pair>.Type, _ source: ProductSource, first tile: Int, _ u: UnsafePointer<Lanes>,
    _ m: UnsafeMutablePointer<Lanes>, _ pairPitch: Int, _ accumulate: Bool
) {
    var first = InlineArray<P, Pair>(repeating: .zero)
    var second = InlineArray<P, Pair>(repeating: .zero)
    if accumulate {
        for p in 0..<P { first[p] = Pair(m, p) }
        for p in 0..<P { second[p] = Pair(m + pairPitch, p) }
    }
    var w = u
    let toSecond = 2 * source.channels
    var pair = source.v
    for _ in 0..<source.channels / 16 {
        let x = pair + tile * 16
        for lane in 0..<16 { multiply(x + lane, Pair(w, lane), Pair(w + toSecond, lane), every: 16, &first, &second) }
        w += 32
        pair += source.pairPitch
    }
    let left = source.channels % 16
    let pitch = left > 8 ? 16 : 8
    let x = pair + tile * pitch
    for lane in 0..<left {
        multiply(x + lane, Pair(w, lane), Pair(w + toSecond, lane), every: pitch, &first, &second)
    }
    for p in 0..<P { first[p].store(p, of: m) }
    for p in 0..<P { second[p].store(p, of: m + pairPitch) }
}

/// One input channel of P tiles, `pitch` floats apart, times its weights for two pairs of output channels.
@inline(__always)
private func multiply<let P: Int>(
    _ x: UnsafePointer<Float>, _ firstWeights: Pair, _ secondWeights: Pair, every pitch: Int,
    _ first: inout InlineArray<P, Pair>, _ second: inout InlineArray<P, Pair>
) {
    for p in 0..<P {
        let value = Pair(repeating: x[p * pitch])
        first[p].addProduct(value, firstWeights)
        second[p].addProduct(value, secondWeights)
    }
}
