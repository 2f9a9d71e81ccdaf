import CProcessor

/// Images that will be read or written soon, on their way into the second-level cache while kernels compute: without
/// that, what reads or writes them waits for the memory most of its time. It changes no number.
///
/// Convolutions take one step for each of their register tiles. A value that points into an `Arena`; the arena must
/// outlive it. Used by the thread that owns the arena.
public struct Prefetch {
    private struct Span {
        var next: UnsafeRawPointer
        var end: UnsafeRawPointer
    }

    private struct State {
        var current: Span
        var waiting: InlineArray<3, Span>
        var first = 0
        var count = 0
    }

    private let state: UnsafeMutablePointer<State>
    /// Cache lines of 64 bytes that a step asks for.
    private static let lines = 8

    /// With nothing to fetch.
    public init(arena: Arena) {
        let memory = UnsafeMutableRawPointer(arena.doubles(MemoryLayout<State>.size / 8 + 1))
        let none = Span(next: memory, end: memory)
        state = memory.initializeMemory(
            as: State.self, repeating: State(current: none, waiting: InlineArray(repeating: none)), count: 1)
    }

    /// Forgets what has not been asked for yet.
    public func restart() {
        state.pointee.current.next = state.pointee.current.end
        state.pointee.count = 0
    }

    /// One image more, after those added before; nothing if there is no such image, or if three wait.
    public func add(_ tensor: BlockedTensor, image: Int) {
        if image >= 0 && image < tensor.images { add(tensor[image..<image + 1]) }
    }

    /// All images of a tensor, after what was added before; nothing if three wait.
    public func add(_ tensor: BlockedTensor) {
        guard state.pointee.count < state.pointee.waiting.count else { return }
        let start = UnsafeRawPointer(tensor.base)
        let place = (state.pointee.first + state.pointee.count) % state.pointee.waiting.count
        let bytes = tensor.images * tensor.imagePitch * MemoryLayout<Float>.stride
        state.pointee.waiting[place] = Span(next: start, end: start + bytes)
        state.pointee.count += 1
        if state.pointee.current.next >= state.pointee.current.end { takeNext() }
    }

    /// Asks for a few lines more.
    @inline(__always)
    func step() {
        if state.pointee.current.next < state.pointee.current.end { fetch() }
    }

    @inline(never)
    private func fetch() {
        var address = state.pointee.current.next
        for _ in 0..<Prefetch.lines {
            ostr_prefetch(address)
            address += 64
        }
        state.pointee.current.next = address
        if address >= state.pointee.current.end { takeNext() }
    }

    private func takeNext() {
        guard state.pointee.count > 0 else { return }
        state.pointee.current = state.pointee.waiting[state.pointee.first]
        state.pointee.first = (state.pointee.first + 1) % state.pointee.waiting.count
        state.pointee.count -= 1
    }
}

/// Asks for vectors that are needed soon, two to a cache line.
@inline(__always)
func prefetch(_ vectors: UnsafePointer<Lanes>, _ count: Int) {
    for i in stride(from: 0, to: count, by: 2) { ostr_prefetch(vectors + i) }
}
