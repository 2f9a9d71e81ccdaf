/// Two vectors of eight: two blocks of channels of a pixel, or two neighbouring pixels of a block. One register with
/// AVX-512, two registers elsewhere; lane by lane the same numbers.
typealias Pair = SIMD16<Float>

/// Input channels of a register tile of a gradient by weights, with two blocks of output channels: eight registers, so that
/// two multiply-adders need not wait for each other's results.
#if OSTR_WIDE
    typealias InputTile = InlineArray<8, Pair>
#else
    typealias InputTile = InlineArray<4, Pair>
#endif

/// What a register tile has for each pixel: one block of channels, or two.
protocol ChannelVector: SIMD where Scalar == Float {
    /// 1 or 2.
    static var blocks: Int { get }

    /// One vector, or two of them that lie `next` apart: the same pixel in two blocks.
    init(at source: UnsafePointer<Lanes>, next: Int)
    func store(at target: UnsafeMutablePointer<Lanes>, next: Int)

    /// Number `index` of what lies side by side, one vector or two each: packed weights, or pixels of one block. Of any
    /// alignment.
    init(_ vectors: UnsafePointer<Lanes>, _ index: Int)
    func store(_ index: Int, of vectors: UnsafeMutablePointer<Lanes>)

    /// The same vector once or twice.
    init(each block: Lanes)

    /// Adds each channel to sums in (blocks, 2, 8).
    func addToSums(_ sums: UnsafeMutablePointer<Double>)

    /// self + a × b, rounded once. Named here so that code for any vector takes what `portable` has instead.
    func addingProduct(_ a: Self, _ b: Self) -> Self
    mutating func addProduct(_ a: Self, _ b: Self)

    /// Pixels of the next register tile, where so many are left in a row: 16, 8, 6, 4, 2 or 1. As many as the registers
    /// hold, and as many as it takes to keep two multiply-adders busy.
    static func tileWidth(left: Int) -> Int
}

extension ChannelVector {
    @inline(__always)
    init(_ vectors: UnsafeMutablePointer<Lanes>, _ index: Int) { self.init(UnsafePointer(vectors), index) }

    @inline(__always)
    init(at source: UnsafeMutablePointer<Lanes>, next: Int) { self.init(at: UnsafePointer(source), next: next) }
}

extension Lanes: ChannelVector {
    @inline(__always)
    static var blocks: Int { 1 }

    @inline(__always)
    init(_ vectors: UnsafePointer<Lanes>, _ index: Int) { self = vectors[index] }

    @inline(__always)
    func store(_ index: Int, of vectors: UnsafeMutablePointer<Lanes>) { vectors[index] = self }

    @inline(__always)
    init(each block: Lanes) { self = block }

    @inline(__always)
    init(at source: UnsafePointer<Lanes>, next _: Int) { self = source.pointee }

    @inline(__always)
    func store(at target: UnsafeMutablePointer<Lanes>, next _: Int) { target.pointee = self }

    @inline(__always)
    func addToSums(_ sums: UnsafeMutablePointer<Double>) {
        for lane in 0..<8 { sums[lane] += Double(self[lane]) }
    }

    @inline(__always)
    static func tileWidth(left: Int) -> Int { left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1 }
}

extension Pair: ChannelVector {
    /// Whether a pair is one register.
    @inline(__always)
    static var isRegister: Bool {
        #if OSTR_WIDE
            true
        #else
            false
        #endif
    }

    @inline(__always)
    static var blocks: Int { 2 }

    @inline(__always)
    init(_ vectors: UnsafePointer<Lanes>, _ index: Int) {
        self = UnsafeRawPointer(vectors + 2 * index).loadUnaligned(as: Pair.self)
    }

    @inline(__always)
    func store(_ index: Int, of vectors: UnsafeMutablePointer<Lanes>) {
        UnsafeMutableRawPointer(vectors + 2 * index).storeBytes(of: self, as: Pair.self)
    }

    @inline(__always)
    init(each block: Lanes) { self.init(lowHalf: block, highHalf: block) }

    @inline(__always)
    init(at source: UnsafePointer<Lanes>, next: Int) { self.init(lowHalf: source[0], highHalf: source[next]) }

    @inline(__always)
    func store(at target: UnsafeMutablePointer<Lanes>, next: Int) { (target[0], target[next]) = (lowHalf, highHalf) }

    @inline(__always)
    func addToSums(_ sums: UnsafeMutablePointer<Double>) {
        lowHalf.addToSums(sums)
        highHalf.addToSums(sums + 16)
    }

    @inline(__always)
    static func tileWidth(left: Int) -> Int {
        #if OSTR_WIDE
            left >= 16 ? 16 : left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1
        #else
            left >= 6 && left != 8 ? 6 : left >= 4 ? 4 : left >= 2 ? 2 : 1
        #endif
    }
}
