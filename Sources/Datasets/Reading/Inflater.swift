import CZlib

/// Expands gzip data (RFC 1952), one or several members, and checks their checksums. Owned by one thread.
final class Inflater {
    private let path: String
    /// zlib's state points back to it, so that it must not move.
    private let stream: UnsafeMutablePointer<z_stream>
    private var input: [UInt8] = []
    private var inputUsed = 0
    private var isReady = false
    /// A member's trailer was read, and nothing of another member yet.
    private var isBetweenMembers = true
    private var hasMembers = false

    private static let inputSize = 1 << 16

    init(path: String) {
        self.path = path
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
    }

    deinit {
        if isReady { inflateEnd(stream) }
        stream.deallocate()
    }

    /// The next `count` expanded bytes, fewer only at the end of the data.
    func read(
        _ count: Int, from source: (_ count: Int) throws(DatasetError) -> [UInt8]
    ) throws(DatasetError) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            if inputUsed == input.count {
                input = try source(Self.inputSize)
                inputUsed = 0
                if input.isEmpty {
                    if isBetweenMembers && hasMembers { break }
                    throw malformed("its end before that of the compressed data; is it truncated?")
                }
            }
            if isBetweenMembers { try beginMember() }
            filled += try inflateOnce(into: &output, from: filled)
        }
        output.removeLast(count - filled)
        return output
    }

    private func beginMember() throws(DatasetError) {
        // 16 + 15: gzip's header and trailer, the largest window.
        let status =
            isReady
            ? inflateReset(stream)
            : inflateInit2_(stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw .unreadable(file: path, reason: "zlib cannot start (code \(status))") }
        isReady = true
        isBetweenMembers = false
        hasMembers = true
    }

    /// - Returns: how many bytes were written to `output`.
    private func inflateOnce(into output: inout [UInt8], from start: Int) throws(DatasetError) -> Int {
        let room = min(output.count - start, 1 << 30)
        let status = input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                stream.pointee.next_in = input.baseAddress.map { $0 + inputUsed }
                stream.pointee.avail_in = UInt32(input.count - inputUsed)
                stream.pointee.next_out = output.baseAddress.map { $0 + start }
                stream.pointee.avail_out = UInt32(room)
                return inflate(stream, Z_NO_FLUSH)
            }
        }
        inputUsed = input.count - Int(stream.pointee.avail_in)
        let written = room - Int(stream.pointee.avail_out)
        switch status {
        case Z_OK, Z_BUF_ERROR: return written
        case Z_STREAM_END:
            isBetweenMembers = true
            return written
        default: throw malformed(stream.pointee.msg.map { String(cString: $0) } ?? "damaged data (zlib code \(status))")
        }
    }

    private func malformed(_ found: String) -> DatasetError {
        .malformed(file: path, expected: "sound gzip data", found: found)
    }
}
