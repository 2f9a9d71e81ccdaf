import CProcessor

extension WinogradConvolution {
    /// M = V U at every position: each element is one chain of fused multiply-adds over input channels.
    ///
    /// - Parameters:
    ///   - v: the input's tiles.
    ///   - packed: from `transformWeights`.
    ///   - m: receives the products; tiles 0 ..< `tiles` of it.
    ///   - accumulate: whether the products are added to what is in `m`.
    public func multiply(
        _ v: TransformedTiles, packed: UnsafePointer<Float>, tiles: Int, into m: TransformedTiles,
        accumulate: Bool = false
    ) {
        precondition(v.blocks == inputBlocks && m.blocks == outputBlocks, "channels do not fit")
        precondition(tiles <= v.capacity && tiles <= m.capacity, "too many tiles")
        let weights = UnsafeRawPointer(packed).assumingMemoryBound(to: Lanes.self)
        for position in 0..<36 {
            var u = weights + position * packedPitch
            let source = ProductSource(
                v: UnsafeRawPointer(v.base + position * v.positionPitch).assumingMemoryBound(to: Float.self),
                blockPitch: v.capacity * 8, fullBlocks: inputChannels / 8, tailLanes: inputChannels % 8)
            let target = m.base + position * m.positionPitch
            var block = 0
            while block < outputBlocks {
                if block + 1 < outputBlocks {
                    productRow(
                        Pair.self, source, u, ahead: packedPitch, target + block * m.capacity, m.capacity, tiles,
                        accumulate)
                    u += 2 * inputChannels
                    block += 2
                } else {
                    productRow(
                        Lanes.self, source, u, ahead: packedPitch, target + block * m.capacity, m.capacity, tiles,
                        accumulate)
                    u += inputChannels
                    block += 1
                }
            }
        }
    }

    /// Adds Vᵀ D at every position: the gradient by weights in Winograd's domain. Each element is one chain of fused
    /// multiply-adds over tiles.
    ///
    /// - Parameters:
    ///   - v: the input's tiles. - d: the output gradient's, from `transformGradient`.
    ///   - gradient: (36, output blocks, input blocks, 8, 8).
    public func addWeightsGradient(
        _ v: TransformedTiles, _ d: TransformedTiles, tiles: Int, into gradient: UnsafeMutablePointer<Float>
    ) {
        precondition(v.blocks == inputBlocks && d.blocks == outputBlocks, "channels do not fit")
        precondition(tiles <= v.capacity && tiles <= d.capacity, "too many tiles")
        let gradient = UnsafeMutableRawPointer(gradient).assumingMemoryBound(to: Lanes.self)
        let blockPitch = inputBlocks * 8
        for position in 0..<36 {
            let x = UnsafeRawPointer(v.base + position * v.positionPitch).assumingMemoryBound(to: Float.self)
            let dy = UnsafePointer(d.base + position * d.positionPitch)
            let target = gradient + position * gradientPitch
            for input in 0..<inputBlocks {
                let lanes = x + input * v.capacity * 8
                var block = 0
                while block + 1 < outputBlocks {
                    for first in Swift.stride(from: 0, to: min(8, inputChannels - input * 8), by: InputTile.count) {
                        let tile = target + block * blockPitch + input * 8 + first
                        gradientTile(
                            InputTile.self, lanes + first, dy + block * d.capacity, dBlock: d.capacity, tiles,
                            tile, targetBlock: blockPitch)
                        prefetch(tile + gradientPitch, InputTile.count)
                        prefetch(tile + gradientPitch + blockPitch, InputTile.count)
                    }
                    block += 2
                }
                if block < outputBlocks {
                    gradientTile(
                        InlineArray<8, Lanes>.self, lanes, dy + block * d.capacity, dBlock: 0, tiles,
                        target + block * blockPitch + input * 8, targetBlock: 0)
                }
            }
        }
    }
}

/// Asks for vectors that are needed soon, two to a cache line.
@inline(__always)
private func prefetch(_ vectors: UnsafePointer<Lanes>, _ count: Int) {
    for i in stride(from: 0, to: count, by: 2) { ostr_prefetch(vectors + i) }
}

/// The tiles of one position.
private struct ProductSource {
    let v: UnsafePointer<Float>
    /// Floats from one block of channels to the next.
    let blockPitch: Int
    let fullBlocks: Int
    /// Channels in a last block that is not full.
    let tailLanes: Int
}

/// All tiles of one position for one vector V of output channels.
///
/// - Parameter ahead: vectors from the weights to those of the next position, which are on their way from the memory
///   meanwhile, a few lines for each of the register tiles.
@inline(never)
private func productRow<V: ChannelVector>(
    _ vector: V.Type, _ source: ProductSource, _ u: UnsafePointer<Lanes>, ahead: Int,
    _ m: UnsafeMutablePointer<Lanes>, _ mBlock: Int, _ tiles: Int, _ accumulate: Bool
) {
    var start = 0
    let vectors = (source.fullBlocks * 8 + source.tailLanes) * V.blocks
    let share = (vectors * 16 + tiles - 1) / tiles
    var next = u + ahead
    @inline(__always)
    func some<let P: Int, let H: Int>(_ tiles: InlineArray<P, V>.Type, _ halves: InlineArray<H, Lanes>.Type) {
        productTile(tiles, halves, source, source.v + start * 8, u, m + start, mBlock, accumulate)
        start += P * H
    }
    while start < tiles {
        prefetch(next, share)
        next += share
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
    _: InlineArray<P, V>.Type, _ h: InlineArray<H, Lanes>.Type, _ source: ProductSource, _ v: UnsafePointer<Float>,
    _ u: UnsafePointer<Lanes>, _ m: UnsafeMutablePointer<Lanes>, _ mBlock: Int, _ accumulate: Bool
) {
    var first = InlineArray<P, V>(repeating: .zero)
    var second = InlineArray<P, V>(repeating: .zero)
    if accumulate {
        for p in 0..<P { first[p] = V(at: m + p, next: mBlock) }
        if H == 2 { for p in 0..<P { second[p] = V(at: m + P + p, next: mBlock) } }
    }
    let s = InlineArray<1, Lanes>.self
    var w = u
    var block = v
    for _ in 0..<source.fullBlocks {
        for lane in 0..<8 { multiply(block + lane, V(w, lane), &first, &second, h, s) }
        w += 8 * V.blocks
        block += source.blockPitch
    }
    for lane in 0..<source.tailLanes { multiply(block + lane, V(w, lane), &first, &second, h, s) }
    for p in 0..<P { first[p].store(at: m + p, next: mBlock) }
    if H == 2 { for p in 0..<P { second[p].store(at: m + P + p, next: mBlock) } }
}

/// L input channels × one vector of output channels, whose blocks lie `dBlock` apart in the gradient's tiles and
/// `targetBlock` in the target.
@inline(never)
private func gradientTile<V: ChannelVector, let L: Int>(
    _: InlineArray<L, V>.Type, _ v: UnsafePointer<Float>, _ d: UnsafePointer<Lanes>, dBlock: Int, _ tiles: Int,
    _ target: UnsafeMutablePointer<Lanes>, targetBlock: Int
) {
    var sums = InlineArray<L, V>(repeating: .zero)
    for lane in 0..<L { sums[lane] = V(at: target + lane, next: targetBlock) }
    var x = v
    for tile in 0..<tiles {
        let gradient = V(at: d + tile, next: dBlock)
        for lane in 0..<L { sums[lane].addProduct(V(repeating: x[lane]), gradient) }
        x += 8
    }
    for lane in 0..<L { sums[lane].store(at: target + lane, next: targetBlock) }
}
