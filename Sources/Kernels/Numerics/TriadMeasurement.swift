/// a = b + s c over arrays of one size: what memory, or a cache, gives at most.
public struct TriadMeasurement: ~Copyable {
    private let count: Int
    private let arrays: UnsafeMutablePointer<Lanes>

    /// - Parameter bytes: of the three arrays together.
    public init(bytes: Int) {
        count = max(bytes / 3 / MemoryLayout<Lanes>.stride, 1)
        arrays = UnsafeMutableRawPointer.allocate(byteCount: 3 * count * MemoryLayout<Lanes>.stride, alignment: 64)
            .bindMemory(to: Lanes.self, capacity: 3 * count)
        arrays.initialize(repeating: Lanes(repeating: 1), count: 3 * count)
    }

    deinit { UnsafeMutableRawPointer(arrays).deallocate() }

    /// Goes through the arrays `rounds` times and returns the bytes read and written, as STREAM counts them; time it from
    /// outside.
    ///
    /// - Parameter sink: receives a value that depends on the result, so that nothing is optimised away.
    public func run(rounds: Int, sink: inout Float) -> Int {
        let factor = Lanes(repeating: 0.5)
        let (a, b, c) = (arrays, arrays + count, arrays + 2 * count)
        for _ in 0..<rounds {
            for i in 0..<count { a[i] = b[i].addingProduct(factor, c[i]) }
            sink += a[count / 2][0]
        }
        return rounds * 3 * count * MemoryLayout<Lanes>.stride
    }
}
