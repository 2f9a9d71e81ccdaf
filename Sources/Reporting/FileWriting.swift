import Foundation

/// Whole files, written beside their place and renamed, so that a reader sees all of a file or none of it.
enum FileWriting {
    /// Writes, syncs and renames; the temporary file is removed when anything fails.
    static func replace(_ path: String, with bytes: [UInt8]) throws(ReportingError) {
        let temporary = path + ".partial"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .write(file: path, reason: reason(errno)) }
        var failure = writeAll(bytes, to: descriptor)
        if failure == nil && fsync(descriptor) != 0 { failure = errno }
        if close(descriptor) != 0 && failure == nil { failure = errno }
        if failure == nil && rename(temporary, path) != 0 { failure = errno }
        if let failure {
            unlink(temporary)
            throw .write(file: path, reason: reason(failure))
        }
    }

    /// Writes all bytes; nil, or the error number.
    static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
        bytes.withUnsafeBytes { (buffer: UnsafeRawBufferPointer) -> Int32? in
            var start = 0
            while start < buffer.count {
                let count = write(descriptor, buffer.baseAddress.map { $0 + start }, buffer.count - start)
                if count < 0 {
                    if errno == EINTR { continue }
                    return errno
                }
                start += count
            }
            return nil
        }
    }

    /// The system's text for an error number.
    static func reason(_ number: Int32) -> String { String(cString: strerror(number)) }
}
