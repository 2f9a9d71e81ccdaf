/// The receiving side of a training state that comes in parts: it asks for a few parts at a time, asks again for what does
/// not come, and checks the whole.
public struct StateAssembly: Sendable {
    /// Parts under way at a time.
    public static let window = 8
    /// How long a part may take before it is asked for again.
    public static let requestInterval = Duration.seconds(1)

    /// Half-steps applied to the state that is wanted; nil for whichever comes.
    private let appliedHalfSteps: Int?
    /// By offset; memory is taken for what has come only.
    private var parts: [Int: [UInt8]] = [:]
    private var total: Int?
    private var wholeChecksum: UInt64 = 0
    /// Offsets that were asked for and have not come, with the time of asking.
    private var outstanding: [Int: Duration] = [:]
    private var nextOffset = 0

    /// Nothing received yet.
    /// - Parameter appliedHalfSteps: of the state that is wanted; nil for whichever comes.
    public init(appliedHalfSteps: Int?) {
        self.appliedHalfSteps = appliedHalfSteps
    }

    /// Offsets to ask for now.
    public mutating func requests(at now: Duration) -> [Int] {
        var offsets = outstanding.filter { now - $0.value >= StateAssembly.requestInterval }.map(\.key).sorted()
        while outstanding.count < StateAssembly.window, nextOffset < (total ?? 1) {
            outstanding[nextOffset] = now
            offsets.append(nextOffset)
            nextOffset += WireLimits.stateChunk
        }
        for offset in offsets { outstanding[offset] = now }
        return offsets
    }

    /// Takes a part. Parts that were not asked for are ignored.
    /// - Returns: the whole, once it is complete.
    /// - Throws: `ProtocolError` when parts do not belong together or the whole is not what was sent.
    public mutating func receive(_ chunk: StateChunk) throws(ProtocolError) -> [UInt8]? {
        if let appliedHalfSteps, chunk.appliedHalfSteps != appliedHalfSteps { return nil }
        if let total {
            guard chunk.total == total, chunk.wholeChecksum == wholeChecksum else {
                throw .malformed("parts of two different states")
            }
        } else {
            guard outstanding[chunk.offset] != nil else { return nil }
            total = chunk.total
            wholeChecksum = chunk.wholeChecksum
        }
        guard outstanding.removeValue(forKey: chunk.offset) != nil else { return nil }
        guard chunk.bytes.count == min(WireLimits.stateChunk, chunk.total - chunk.offset) else {
            throw .malformed("a part of \(chunk.bytes.count) bytes at \(chunk.offset)")
        }
        parts[chunk.offset] = chunk.bytes
        guard nextOffset >= chunk.total, outstanding.isEmpty else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(chunk.total)
        for offset in parts.keys.sorted() { bytes += parts[offset] ?? [] }
        guard XXH64.hash(bytes) == wholeChecksum else { throw .checksum(what: "the training state") }
        return bytes
    }
}

/// The sending side: answers requests for parts of a state that it holds.
public struct StateSource: Sendable {
    /// The whole state.
    public let bytes: [UInt8]
    /// Half-steps applied to it.
    public let appliedHalfSteps: Int
    private let checksum: UInt64

    /// Computes the checksum of the whole.
    public init(_ bytes: [UInt8], appliedHalfSteps: Int) {
        self.bytes = bytes
        self.appliedHalfSteps = appliedHalfSteps
        checksum = XXH64.hash(bytes)
    }

    /// The part at an offset; nil when there is none.
    public func chunk(at offset: Int) -> StateChunk? {
        guard offset >= 0, offset < bytes.count, offset % WireLimits.stateChunk == 0 else { return nil }
        let end = min(offset + WireLimits.stateChunk, bytes.count)
        return StateChunk(
            appliedHalfSteps: appliedHalfSteps, offset: offset, total: bytes.count, wholeChecksum: checksum,
            bytes: Array(bytes[offset..<end]))
    }
}
