/// Where the time of a thread's kernels goes, while somebody wants to know.
///
/// A kernel calls `enter` at its start and `leave` at its end. Without a profile that costs one load and one branch; with
/// one, two readings of the clock. Time is exclusive: a kernel that calls another does not count the other's time, so
/// that all entries add up to the time inside kernels.
public final class Profile {
    /// What a kernel is called for.
    public enum Pass: String, Sendable, Hashable, CaseIterable {
        /// Of a training step or an evaluation.
        case forward
        /// What serves both gradients.
        case backward
        case byInput = "gradient by input"
        case byWeights = "gradient by weights"
        /// Of weights and alphas, after the gradients.
        case update
    }

    /// One operation on images of one shape in one pass.
    public struct Key: Hashable, Sendable {
        /// For people.
        public let operation: String
        /// What it was called for.
        public let pass: Pass
        /// Of the images; 0 where there are none.
        public let channels: Int
        /// Height of the images; 0 where there are none.
        public let size: Int
    }

    /// Sums over calls.
    public struct Entry: Sendable {
        /// How often it began.
        public var calls = 0
        /// Without the time of kernels that it called.
        public var nanoseconds: UInt64 = 0
        /// Of convolutions and the classifier, by direct summation.
        public var multiplyAdds = 0
        /// Read and written, every operand once.
        public var bytes = 0
    }

    /// The profile that kernels report to.
    ///
    /// Unsafe because kernels of any thread read it: whoever sets it has one thread that computes, and sets it on that
    /// thread. `ostr bench --profile` is the only one.
    public nonisolated(unsafe) static var current: Profile?

    /// Passes that a supernet is in, for kernels that serve several.
    var phase = Pass.forward
    private let now: () -> UInt64
    /// Kernels that have begun and not ended: place in `sums`, when they began, and time of what they called.
    private var open: [(place: Int, began: UInt64, inner: UInt64)] = []
    private var places: [RawKey: Int] = [:]
    private var sums: [Entry] = []

    /// A name by its address, which is cheaper to hash than its text.
    private struct RawKey: Hashable {
        let name: StaticString
        let pass: Pass
        let channels: Int
        let size: Int

        static func == (a: RawKey, b: RawKey) -> Bool {
            a.name.utf8Start == b.name.utf8Start && a.pass == b.pass && a.channels == b.channels && a.size == b.size
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(Int(bitPattern: name.utf8Start) ^ channels << 48 ^ size << 32)
            hasher.combine(pass)
        }
    }

    /// - Parameter now: nanoseconds since some moment.
    public init(now: @escaping () -> UInt64) {
        self.now = now
        open.reserveCapacity(16)
    }

    /// What was done so far.
    public var entries: [Key: Entry] {
        var result: [Key: Entry] = [:]
        for (key, place) in places {
            let entry = sums[place]
            let named = Key(
                operation: "\(key.name)", pass: key.pass, channels: key.channels, size: key.size)
            var sum = result[named] ?? Entry()
            sum.calls += entry.calls
            sum.nanoseconds += entry.nanoseconds
            sum.multiplyAdds += entry.multiplyAdds
            sum.bytes += entry.bytes
            result[named] = sum
        }
        return result
    }

    /// A kernel begins; `leave` follows.
    ///
    /// - Parameters:
    ///   - pass: nil for that of the phase.
    ///   - shape: gives channels and size.
    ///   - floats: read and written, every operand once.
    @inline(__always)
    public static func enter(
        _ name: StaticString, _ pass: Pass? = nil, _ shape: @autoclosure () -> BlockedTensor? = nil,
        floats: @autoclosure () -> Int, multiplyAdds: @autoclosure () -> Int = 0
    ) {
        guard let current else { return }
        current.begin(name, pass, shape(), floats(), multiplyAdds())
    }

    /// The kernel that began last ends.
    @inline(__always)
    public static func leave() {
        current?.end()
    }

    /// Kernels that follow belong to this pass.
    @inline(__always)
    public static func phase(_ pass: Pass) {
        current?.phase = pass
    }

    @inline(never)
    func begin(_ name: StaticString, _ pass: Pass?, _ shape: BlockedTensor?, _ floats: Int, _ products: Int) {
        let key = RawKey(name: name, pass: pass ?? phase, channels: shape?.channels ?? 0, size: shape?.height ?? 0)
        let place = place(of: key)
        sums[place].calls += 1
        sums[place].multiplyAdds += products
        sums[place].bytes += 4 * floats
        open.append((place, now(), 0))
    }

    private func place(of key: RawKey) -> Int {
        if let place = places[key] { return place }
        places[key] = sums.count
        sums.append(Entry())
        return sums.count - 1
    }

    @inline(never)
    func end() {
        let time = now()
        guard let last = open.popLast() else { return }
        let whole = time - last.began
        sums[last.place].nanoseconds += whole - min(last.inner, whole)
        if !open.isEmpty { open[open.count - 1].inner += whole }
    }
}

extension BlockedTensor {
    /// Floats of one image, padding not counted.
    public var imageFloats: Int { blocks * 8 * pixels }
}
