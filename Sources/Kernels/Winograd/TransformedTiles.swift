/// Tiles of an activation in Winograd's domain: (36 positions, pairs of blocks, tiles, 16), an odd last block has (tiles,
/// 8); with a gap of one cache line between positions, so that the 36 of a tile don't fall on few sets of the cache.
///
/// A value that points into an `Arena`; the arena must outlive it.
public struct TransformedTiles {
    let base: UnsafeMutablePointer<Lanes>
    /// Blocks of eight channels.
    let blocks: Int
    /// Tiles that fit.
    public let capacity: Int

    /// Vectors from one position to the next.
    var positionPitch: Int { blocks * capacity + 2 }

    /// Where a block begins in a position, and vectors from one of its tiles to the next.
    func place(of block: Int) -> (start: Int, step: Int) {
        block | 1 < blocks ? (block / 2 * 2 * capacity + block % 2, 2) : (block * capacity, 1)
    }

    /// Takes the memory for `capacity` tiles; zeros.
    public init(channels: Int, capacity: Int, arena: Arena) {
        precondition(channels > 0 && capacity > 0)
        blocks = (channels + 7) / 8
        self.capacity = capacity
        let floats = 36 * (blocks * capacity + 2) * 8
        base = UnsafeMutableRawPointer(arena.floats(floats)).assumingMemoryBound(to: Lanes.self)
    }
}
