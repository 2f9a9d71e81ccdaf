#if canImport(Glibc)
    import Glibc
#endif

/// Memory that is taken once and lives as long as its owner, aligned to 64 bytes. Used by the thread that owns it.
///
/// It is cut from slabs, for which Linux is asked to use pages of 2 MiB: a pass that goes through hundreds of MiB misses
/// the address cache at every page of 4 KiB (a fifth of a step of the DARTS space). Pages are first touched when
/// something is written to them, so slabs that are taken and not used cost little: what starts as zero and what does not
/// have slabs of their own.
///
/// What a layer keeps for itself starts as zero. Activations and gradients, which are needed for a part of a pass only,
/// name the ticks of a clock of the caller's during which they hold something (`tensor(…, during:)`); two of them share
/// memory when their ticks do not overlap. Requests are served in their order, each from the smallest piece of memory
/// that is free during its ticks and large enough, the first of several: what shares with what depends on the requests
/// alone. Such a tensor is not initialised, so its pages are first touched when a pass writes it.
///
/// Each piece for sharing starts 17 cache lines further on the 4 KiB grid than the one before. Otherwise the same pixel
/// of all tensors would fall into the same set of the level-1 cache, which has eight ways, and a pass over ten tensors
/// would evict what it is about to read.
public final class Arena {
    /// The newest of its kind.
    private struct Slab {
        /// What is left of it.
        var free: (start: UnsafeMutableRawPointer, end: UnsafeMutableRawPointer)?
        /// Taken so far, from it and those before.
        var bytes = 0
    }

    private struct Piece {
        let base: UnsafeMutablePointer<Float>
        let count: Int
        var uses: [ClosedRange<Int>]
    }

    private static let grid = 4096
    private static let shift = 17 * 64
    private static let page = 2 << 20
    private static let largestSlab = 8 * page

    private var allocations: [UnsafeMutableRawPointer] = []
    private var pieces: [Piece] = []
    private var zeros = Slab()
    private var shared = Slab()
    /// Bytes taken so far.
    public var bytes: Int { zeros.bytes + shared.bytes }

    /// With nothing taken.
    public init() {}

    deinit {
        for allocation in allocations { allocation.deallocate() }
    }

    /// Zeros.
    public func floats(_ count: Int) -> UnsafeMutablePointer<Float> {
        let pointer = allocate(max(count, 1) * MemoryLayout<Float>.stride, from: &zeros).bindMemory(
            to: Float.self, capacity: count)
        pointer.initialize(repeating: 0, count: count)
        return pointer
    }

    /// Zeros.
    public func doubles(_ count: Int) -> UnsafeMutablePointer<Double> {
        let pointer = allocate(max(count, 1) * MemoryLayout<Double>.stride, from: &zeros).bindMemory(
            to: Double.self, capacity: count)
        pointer.initialize(repeating: 0, count: count)
        return pointer
    }

    /// Zeros, padding and all; for what a layer keeps for itself.
    public func tensor(images: Int, channels: Int, height: Int, width: Int, padding: Int = 0) -> BlockedTensor {
        let count = BlockedTensor.count(
            images: images, channels: channels, height: height, width: width, padding: padding)
        return BlockedTensor(
            at: floats(count), images: images, channels: channels, height: height, width: width, padding: padding)
    }

    /// A tensor without padding that holds something during `ticks` only.
    public func tensor(
        images: Int, channels: Int, height: Int, width: Int, during ticks: ClosedRange<Int>
    ) -> BlockedTensor {
        let count = BlockedTensor.count(images: images, channels: channels, height: height, width: width, padding: 0)
        return BlockedTensor(
            at: share(count, during: ticks), images: images, channels: channels, height: height, width: width)
    }

    private func share(_ count: Int, during ticks: ClosedRange<Int>) -> UnsafeMutablePointer<Float> {
        var found: Int?
        for (index, piece) in pieces.enumerated()
        where piece.count >= count && !piece.uses.contains(where: { $0.overlaps(ticks) }) {
            if let best = found, pieces[best].count <= piece.count { continue }
            found = index
        }
        if let found {
            pieces[found].uses.append(ticks)
            return pieces[found].base
        }
        let raw = allocate(count * MemoryLayout<Float>.stride + Self.grid, alignment: Self.grid, from: &shared)
        let base = (raw + pieces.count * Self.shift % Self.grid).bindMemory(to: Float.self, capacity: count)
        pieces.append(Piece(base: base, count: count, uses: [ticks]))
        return base
    }

    private func allocate(_ size: Int, alignment: Int = 64, from slab: inout Slab) -> UnsafeMutableRawPointer {
        slab.bytes += size
        if let place = slab.free?.start.alignedUp(toMultipleOf: alignment), let end = slab.free?.end,
            place + size <= end
        {
            slab.free = (place + size, end)
            return place
        }
        // As much again as there is: small arenas stay small.
        let wanted = max(size, min(slab.bytes, Self.largestSlab))
        let isLarge = wanted >= 2 * Self.page
        let unit = isLarge ? Self.page : Self.grid
        let bytes = (wanted + unit - 1) / unit * unit
        let start = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: unit)
        #if canImport(Glibc)
            // Advice: where there are no such pages, ordinary ones do.
            if isLarge { _ = madvise(start, bytes, MADV_HUGEPAGE) }
        #endif
        allocations.append(start)
        slab.free = (start + size, start + bytes)
        return start
    }
}
