import Foundation

extension SafetensorsFile {
    /// Reads a whole file into memory, after its header was checked against the file's size.
    /// - Throws: `CheckpointError.unreadable` or `.malformed`.
    public init(reading path: String) throws(CheckpointError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .unreadable(file: path, reason: systemErrorText()) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(file: path, reason: systemErrorText()) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable(file: path, reason: "it is not a regular file")
        }
        let size = Int(status.st_size)
        let prefix = try Self.read(min(size, 8), from: descriptor, path: path)
        let length = try Self.headerLength(prefix[...], fileSize: size, path: path)
        let header = try Self.read(length, from: descriptor, path: path)
        let dataCount = size - 8 - length
        let parsed = try SafetensorsHeader(parsing: header[...], dataCount: dataCount, file: path)
        let data = try Self.read(dataCount, from: descriptor, path: path)
        self.init(header: parsed, data: data[...], path: path)
    }

    /// Parses a whole file's bytes.
    /// - Parameter path: names it in errors.
    /// - Throws: `CheckpointError.malformed`.
    public init(parsing bytes: [UInt8], path: String = "") throws(CheckpointError) {
        let length = try Self.headerLength(bytes.prefix(8), fileSize: bytes.count, path: path)
        let data = bytes[(8 + length)...]
        let header = try SafetensorsHeader(parsing: bytes[8..<(8 + length)], dataCount: data.count, file: path)
        self.init(header: header, data: data, path: path)
    }

    private init(header: SafetensorsHeader, data: ArraySlice<UInt8>, path: String) {
        let start = data.startIndex
        let tensors = header.entries.mapValues { entry in
            Tensor(
                type: entry.type, shape: entry.shape,
                bytes: data[(start + entry.range.lowerBound)..<(start + entry.range.upperBound)])
        }
        self.init(tensors: tensors, metadata: header.metadata, path: path)
    }

    private static func headerLength(
        _ prefix: ArraySlice<UInt8>, fileSize: Int, path: String
    ) throws(CheckpointError) -> Int {
        guard fileSize >= 10, prefix.count == 8 else {
            throw .malformed(
                file: path, tensor: nil, expected: "a safetensors file (at least 10 bytes)", found: "\(fileSize) bytes")
        }
        let length = prefix.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let allowed = UInt64(min(SafetensorsHeader.largestLength, fileSize - 8))
        guard length <= allowed else {
            throw .malformed(
                file: path, tensor: nil,
                expected: "a safetensors file, whose header has at most \(allowed) bytes here",
                found: "a header length of \(length); is it a file of another format, or truncated?")
        }
        return Int(length)
    }

    private static func read(_ count: Int, from descriptor: Int32, path: String) throws(CheckpointError) -> [UInt8] {
        var failure: CheckpointError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while initialized < count && failure == nil {
                let rest = UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(buffer)[initialized...])
                let got = Foundation.read(descriptor, rest.baseAddress, rest.count)
                if got > 0 {
                    initialized += got
                } else if got == 0 {
                    failure = .unreadable(file: path, reason: "it became shorter while it was read")
                } else if errno != EINTR {
                    failure = .unreadable(file: path, reason: systemErrorText())
                }
            }
        }
        if let failure { throw failure }
        return bytes
    }
}
