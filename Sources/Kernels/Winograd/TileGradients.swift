extension WinogradConvolution {
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
            // By fours where a pair of blocks is one register, then by pairs.
            let first = Pair.isRegister ? outputBlocks / 4 * 4 : 0
            for block in Swift.stride(from: 0, to: first, by: 4) {
                for input in 0..<inputBlocks {
                    let (start, step) = v.place(of: input)
                    addFourBlocks(
                        x + start * 8, step, dy + block * d.capacity, d.capacity, tiles,
                        target + (block * inputBlocks + input) * 8)
                }
            }
            if first == outputBlocks { continue }
            var input = 0
            while input < inputBlocks {
                let (start, step) = v.place(of: input)
                let lanes = x + start * 8
                if Pair.isRegister && step == 2 && input * 8 + 16 <= inputChannels {
                    let whole = InlineArray<2, Lanes>.self
                    addBlocks(
                        first, lanes, whole, InlineArray<2, Lanes>.self, input, dy, d.capacity, tiles, target)
                    input += 2
                    continue
                }
                let half = InlineArray<1, Lanes>.self
                if step == 2 {
                    addBlocks(first, lanes, half, InlineArray<2, Lanes>.self, input, dy, d.capacity, tiles, target)
                } else {
                    addBlocks(first, lanes, half, InlineArray<1, Lanes>.self, input, dy, d.capacity, tiles, target)
                }
                input += 1
            }
        }
    }

    /// The same for one position, one block of inputs, whose tiles lie `step` vectors apart, and four blocks of outputs.
    @inline(__always)
    private func addFourBlocks(
        _ x: UnsafePointer<Float>, _ step: Int, _ d: UnsafePointer<Lanes>, _ dCapacity: Int, _ tiles: Int,
        _ target: UnsafeMutablePointer<Lanes>
    ) {
        let blockPitch = inputBlocks * 8
        if step == 2 {
            gradientTile(InlineArray<2, Lanes>.self, x, d, 2 * dCapacity, tiles, target, targetBlock: blockPitch)
        } else {
            gradientTile(InlineArray<1, Lanes>.self, x, d, 2 * dCapacity, tiles, target, targetBlock: blockPitch)
        }
        for block in 0..<4 { prefetch(target + gradientPitch + block * blockPitch, 8) }
    }

    /// The same for one position, H blocks of inputs, whose tiles lie S vectors apart, and the blocks of outputs from
    /// `first` on.
    @inline(__always)
    private func addBlocks<let H: Int, let S: Int>(
        _ first: Int, _ x: UnsafePointer<Float>, _ h: InlineArray<H, Lanes>.Type, _ s: InlineArray<S, Lanes>.Type,
        _ input: Int,
        _ d: UnsafePointer<Lanes>, _ dCapacity: Int, _ tiles: Int, _ gradient: UnsafeMutablePointer<Lanes>
    ) {
        let blockPitch = inputBlocks * 8
        var block = first
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

/// Eight input channels × two pairs of blocks of output channels, where a pair is one register: an input that is read
/// serves both.
///
/// - Parameters:
///   - v: tiles that lie S vectors apart.
///   - pairPitch: vectors from the first pair's gradients to the second's.
@inline(never)
private func gradientTile<let S: Int>(
    _: InlineArray<S, Lanes>.Type, _ v: UnsafePointer<Float>, _ d: UnsafePointer<Lanes>, _ pairPitch: Int, _ tiles: Int,
    _ target: UnsafeMutablePointer<Lanes>, targetBlock: Int
) {
    var first = InlineArray<8, Pair>(repeating: .zero)
    var second = InlineArray<8, Pair>(repeating: .zero)
    let secondTarget = target + 2 * targetBlock
    for lane in 0..<8 { first[lane] = Pair(at: target + lane, next: targetBlock) }
    for lane in 0..<8 { second[lane] = Pair(at: secondTarget + lane, next: targetBlock) }
    var x = v
    for tile in 0..<tiles {
        let (firstGradient, secondGradient) = (Pair(d, tile), Pair(d + pairPitch, tile))
        for lane in 0..<8 {
            let value = Pair(repeating: x[lane])
            first[lane].addProduct(value, firstGradient)
            second[lane].addProduct(value, secondGradient)
        }
        x += 8 * S
    }
    for lane in 0..<8 { first[lane].store(at: target + lane, next: targetBlock) }
    for lane in 0..<8 { second[lane].store(at: secondTarget + lane, next: targetBlock) }
}
