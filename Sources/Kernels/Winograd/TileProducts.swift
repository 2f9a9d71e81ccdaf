import CProcessor

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
                if block + 1 < outputBlocks {
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
        for position in 0..<36 {
            let x = UnsafeRawPointer(v.base + position * v.positionPitch).assumingMemoryBound(to: Float.self)
            let dy = UnsafePointer(d.base + position * d.positionPitch)
            let target = gradient + position * gradientPitch
            var input = 0
            while input < inputBlocks {
                let (start, step) = v.place(of: input)
                let lanes = x + start * 8
                if Pair.isRegister && step == 2 && input * 8 + 16 <= inputChannels {
                    let whole = InlineArray<2, Lanes>.self
                    addWeightsGradient(lanes, whole, InlineArray<2, Lanes>.self, input, dy, d.capacity, tiles, target)
                    input += 2
                    continue
                }
                let half = InlineArray<1, Lanes>.self
                if step == 2 {
                    addWeightsGradient(lanes, half, InlineArray<2, Lanes>.self, input, dy, d.capacity, tiles, target)
                } else {
                    addWeightsGradient(lanes, half, InlineArray<1, Lanes>.self, input, dy, d.capacity, tiles, target)
                }
                input += 1
            }
        }
    }

    /// The same for one position and H blocks of inputs, whose tiles lie S vectors apart.
    @inline(__always)
    private func addWeightsGradient<let H: Int, let S: Int>(
        _ x: UnsafePointer<Float>, _ h: InlineArray<H, Lanes>.Type, _ s: InlineArray<S, Lanes>.Type, _ input: Int,
        _ d: UnsafePointer<Lanes>, _ dCapacity: Int, _ tiles: Int, _ gradient: UnsafeMutablePointer<Lanes>
    ) {
        let blockPitch = inputBlocks * 8
        var block = 0
        while block + 1 < outputBlocks {
            for first in Swift.stride(from: 0, to: min(8, inputChannels - input * 8), by: InputTile.count) {
                let target = gradient + block * blockPitch + input * 8 + first
                gradientTile(
                    InputTile.self, h, s, x + first, d + block * dCapacity, tiles, target, targetBlock: blockPitch)
                prefetch(target + gradientPitch, InputTile.count * H)
                prefetch(target + gradientPitch + blockPitch, InputTile.count * H)
            }
            block += 2
        }
        if block < outputBlocks {
            gradientTile(
                InlineArray<8, Lanes>.self, h, s, x, d + block * dCapacity, tiles,
                gradient + block * blockPitch + input * 8, targetBlock: 0)
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

/// L input channels of H neighbouring blocks × one vector of output channels, whose blocks lie `targetBlock` apart in the
/// target.
///
/// - Parameter v: tiles that lie S vectors apart.
@inline(never)
private func gradientTile<V: ChannelVector, let L: Int, let H: Int, let S: Int>(
    _: InlineArray<L, V>.Type, _ h: InlineArray<H, Lanes>.Type, _ s: InlineArray<S, Lanes>.Type,
    _ v: UnsafePointer<Float>, _ d: UnsafePointer<Lanes>, _ tiles: Int, _ target: UnsafeMutablePointer<Lanes>,
    targetBlock: Int
) {
    var first = InlineArray<L, V>(repeating: .zero)
    var second = InlineArray<L, V>(repeating: .zero)
    for lane in 0..<L { first[lane] = V(at: target + lane, next: targetBlock) }
    if H == 2 { for lane in 0..<L { second[lane] = V(at: target + 8 + lane, next: targetBlock) } }
    var x = v
    for tile in 0..<tiles {
        let gradient = V(d, tile)
        for lane in 0..<L { first[lane].addProduct(V(repeating: x[lane]), gradient) }
        if H == 2 { for lane in 0..<L { second[lane].addProduct(V(repeating: x[8 + lane]), gradient) } }
        x += 8 * S
    }
    for lane in 0..<L { first[lane].store(at: target + lane, next: targetBlock) }
    if H == 2 { for lane in 0..<L { second[lane].store(at: target + 8 + lane, next: targetBlock) } }
}
