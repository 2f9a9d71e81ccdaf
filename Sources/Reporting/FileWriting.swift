import Foundation

/// Writing to an open file.
enum FileWriting {
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
