import Foundation

/// A file to read once, from front to back, gzipped or plain. Owned by one thread.
///
/// Memory stays bounded by what is asked for, whatever a compressed file would expand to.
struct SourceFile: ~Copyable {
    let path: String
    private let descriptor: Int32
    private var inflater: Inflater?

    /// - Throws: `DatasetError.unreadable`.
    init(path: String, gzipped: Bool = false) throws(DatasetError) {
        // Opening a pipe must not wait for its other end.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .unreadable(file: path, reason: String(cString: strerror(errno))) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .unreadable(file: path, reason: "it is not a regular file")
        }
        self.path = path
        self.descriptor = descriptor
        size = Int(status.st_size)
        if gzipped { inflater = Inflater(path: path) }
    }

    deinit { close(descriptor) }

    /// Bytes of the file as it stands on disk.
    let size: Int

    /// The next `count` bytes, fewer only at the end.
    /// - Throws: `DatasetError.unreadable`; `.malformed` when gzip data are damaged or cut short.
    mutating func read(_ count: Int) throws(DatasetError) -> [UInt8] {
        let descriptor = descriptor
        let path = path
        if let inflater {
            return try inflater.read(count) { (count) throws(DatasetError) in
                try Self.readPlain(count, from: descriptor, path: path)
            }
        }
        return try Self.readPlain(count, from: descriptor, path: path)
    }

    private static func readPlain(
        _ count: Int, from descriptor: Int32, path: String
    ) throws(DatasetError) -> [UInt8] {
        var reason: String?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while initialized < count {
                let rest = UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(buffer)[initialized...])
                let got = Foundation.read(descriptor, rest.baseAddress, rest.count)
                if got > 0 {
                    initialized += got
                } else if got == 0 {
                    return
                } else if errno != EINTR {
                    reason = String(cString: strerror(errno))
                    return
                }
            }
        }
        if let reason { throw .unreadable(file: path, reason: reason) }
        return bytes
    }

    /// Whether there is a file or folder of this name.
    static func exists(_ path: String) -> Bool { isFolder(path) != nil }

    /// nil when there is nothing of this name.
    static func isFolder(_ path: String) -> Bool? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return status.st_mode & S_IFMT == S_IFDIR
    }
}
