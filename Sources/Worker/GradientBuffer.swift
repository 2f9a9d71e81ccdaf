/// Where a half-step's gradient sum is assembled. The I/O thread writes it while the compute thread waits, then the
/// compute thread has it until it begins the next half-step.
///
/// `@unchecked Sendable`: never used by both threads at a time, and handed over through locked queues.
final class GradientBuffer: @unchecked Sendable {
    private let storage: UnsafeMutableBufferPointer<Float>

    init(capacity: Int) {
        storage = .allocate(capacity: capacity)
        storage.initialize(repeating: 0)
    }

    deinit { storage.deallocate() }

    func prefix(_ count: Int) -> UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(rebasing: storage[..<count])
    }

    /// Copies a chunk of little-endian floats to its place.
    func place(_ bytes: [UInt8], at element: Int) {
        guard element >= 0, element + bytes.count / 4 <= storage.count else { return }
        UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(storage)[(element * 4)...])
            .copyBytes(from: bytes)
    }
}
