import Kernels
import Testing

@Suite("Arena")
struct ArenaTests {
    private struct Request {
        let tensor: BlockedTensor
        let ticks: ClosedRange<Int>

        var bytes: Range<UInt> {
            let start = UInt(bitPattern: tensor.base)
            return start..<start + UInt(tensor.images * tensor.imagePitch * MemoryLayout<Float>.stride)
        }
    }

    /// Tensors of many sizes, at drawn times.
    private static func requests(_ arena: Arena, seed: UInt64) -> [Request] {
        let draws = Philox(seed: seed, purpose: .synthetic)
        return (0..<60).map { i in
            func draw(_ k: Int, below bound: Int) -> Int { Int(draws.uniform(at: 4 * i + k) * Float(bound)) }
            let (first, size) = (draw(0, below: 30), [4, 8, 16][draw(1, below: 3)])
            let ticks = first...first + draw(2, below: 12)
            return Request(
                tensor: arena.tensor(images: 2, channels: 16, height: size, width: size, during: ticks), ticks: ticks)
        }
    }

    @Test("tensors share memory only when they are needed at different times", arguments: 1...5 as ClosedRange<UInt64>)
    func sharing(_ seed: UInt64) {
        let arena = Arena()
        let requests = Self.requests(arena, seed: seed)
        var shared = 0
        for (i, a) in requests.enumerated() {
            #expect(UInt(bitPattern: a.tensor.base) % 64 == 0)
            for b in requests[..<i] where a.bytes.overlaps(b.bytes) {
                shared += 1
                #expect(!a.ticks.overlaps(b.ticks), "\(a.ticks) and \(b.ticks) hold the same memory (seed \(seed))")
            }
        }
        #expect(shared > 0)
        let total = requests.reduce(0) { $0 + $1.bytes.count }
        #expect(arena.bytes < total, "shared memory is taken once")
    }

    @Test("what shares with what depends on the requests alone")
    func repeatable() {
        func pattern() -> [Int] {
            let arena = Arena()
            let bases = Self.requests(arena, seed: 9).map(\.tensor.base)
            return bases.map { base in bases.firstIndex(of: base) ?? -1 }
        }
        #expect(pattern() == pattern())
    }

    @Test("some images of a tensor are the same memory")
    func images() {
        let arena = Arena()
        let tensor = arena.tensor(images: 5, channels: 9, height: 4, width: 4, padding: 1)
        let part = tensor[2..<4]
        #expect(part.images == 2 && part.plane(1, 1) == tensor.plane(3, 1))
    }
}
