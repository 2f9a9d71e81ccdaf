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
                        InlineArray<2, Lanes>.self, source, u, target + block * m.capacity, m.capacity, tiles,
                        accumulate)
                    u += 2 * inputChannels
                    block += 2
                } else {
                    productRow(
                        InlineArray<1, Lanes>.self, source, u, target + block * m.capacity, m.capacity, tiles,
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
                    for half in Swift.stride(from: 0, to: min(8, inputChannels - input * 8), by: 4) {
                        gradientTile(
                            lanes + half, dy + block * d.capacity, d.capacity, tiles,
                            target + block * blockPitch + input * 8 + half, blockPitch)
                    }
                    block += 2
                }
                if block < outputBlocks {
                    gradientTile(
                        lanes, dy + block * d.capacity, tiles, target + block * blockPitch + input * 8)
                }
            }
        }
    }
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

/// All tiles of one position, B blocks of output channels at a time.
@inline(never)
private func productRow<let B: Int>(
    _ blocks: InlineArray<B, Lanes>.Type, _ source: ProductSource, _ u: UnsafePointer<Lanes>,
    _ m: UnsafeMutablePointer<Lanes>, _ mBlock: Int, _ tiles: Int, _ accumulate: Bool
) {
    var tile = 0
    while tile < tiles {
        let left = tiles - tile
        let v = source.v + tile * 8
        if B == 1 && left >= 8 {
            productTile(InlineArray<8, Lanes>.self, blocks, source, v, u, m + tile, mBlock, accumulate)
            tile += 8
        } else if B == 2 && left >= 6 && left != 8 {
            productTile(InlineArray<6, Lanes>.self, blocks, source, v, u, m + tile, mBlock, accumulate)
            tile += 6
        } else if left >= 4 {
            productTile(InlineArray<4, Lanes>.self, blocks, source, v, u, m + tile, mBlock, accumulate)
            tile += 4
        } else if left >= 2 {
            productTile(InlineArray<2, Lanes>.self, blocks, source, v, u, m + tile, mBlock, accumulate)
            tile += 2
        } else {
            productTile(InlineArray<1, Lanes>.self, blocks, source, v, u, m + tile, mBlock, accumulate)
            tile += 1
        }
    }
}

/// P tiles × B blocks of outputs in registers.
@inline(__always)
private func productTile<let P: Int, let B: Int>(
    _: InlineArray<P, Lanes>.Type, _ b: InlineArray<B, Lanes>.Type, _ source: ProductSource,
    _ v: UnsafePointer<Float>, _ u: UnsafePointer<Lanes>, _ m: UnsafeMutablePointer<Lanes>, _ mBlock: Int,
    _ accumulate: Bool
) {
    var first = InlineArray<P, Lanes>(repeating: .zero)
    var second = InlineArray<P, Lanes>(repeating: .zero)
    if accumulate {
        for p in 0..<P {
            first[p] = m[p]
            if B == 2 { second[p] = m[mBlock + p] }
        }
    }
    var w = u
    var block = v
    for _ in 0..<source.fullBlocks {
        for lane in 0..<8 { multiply(block + lane, &w, &first, &second, b, InlineArray<1, Lanes>.self) }
        block += source.blockPitch
    }
    for lane in 0..<source.tailLanes { multiply(block + lane, &w, &first, &second, b, InlineArray<1, Lanes>.self) }
    for p in 0..<P {
        m[p] = first[p]
        if B == 2 { m[mBlock + p] = second[p] }
    }
}

/// Four input channels × two blocks of output channels.
@inline(never)
private func gradientTile(
    _ v: UnsafePointer<Float>, _ d: UnsafePointer<Lanes>, _ dBlock: Int, _ tiles: Int,
    _ target: UnsafeMutablePointer<Lanes>, _ targetBlock: Int
) {
    var first = InlineArray<4, Lanes>(repeating: .zero)
    var second = InlineArray<4, Lanes>(repeating: .zero)
    for lane in 0..<4 {
        first[lane] = target[lane]
        second[lane] = target[targetBlock + lane]
    }
    var x = v
    for tile in 0..<tiles {
        let d0 = d[tile]
        let d1 = d[dBlock + tile]
        for lane in 0..<4 {
            let value = Lanes(repeating: x[lane])
            first[lane].addProduct(value, d0)
            second[lane].addProduct(value, d1)
        }
        x += 8
    }
    for lane in 0..<4 {
        target[lane] = first[lane]
        target[targetBlock + lane] = second[lane]
    }
}

/// Eight input channels × one block of output channels.
@inline(never)
private func gradientTile(
    _ v: UnsafePointer<Float>, _ d: UnsafePointer<Lanes>, _ tiles: Int, _ target: UnsafeMutablePointer<Lanes>
) {
    var sums = InlineArray<8, Lanes>(repeating: .zero)
    for lane in 0..<8 { sums[lane] = target[lane] }
    var x = v
    for tile in 0..<tiles {
        let d0 = d[tile]
        for lane in 0..<8 { sums[lane].addProduct(Lanes(repeating: x[lane]), d0) }
        x += 8
    }
    for lane in 0..<8 { target[lane] = sums[lane] }
}
