import Foundation

/// Writes whole files so that a reader sees the old content or the new one, never a part.
public enum AtomicFile {
    /// Writes `chunks` one after the other to a temporary file beside `path`, syncs it and renames it to `path`.
    ///
    /// The folder is synced too, so that the name survives a power failure. On an error the temporary file is removed
    /// and what stood at `path` is unchanged.
    /// - Throws: `CheckpointError.unwritable`, for example for a full disk or a folder that is missing or read-only.
    public static func write(_ chunks: [ArraySlice<UInt8>], to path: String) throws(CheckpointError) {
        let target = URL(fileURLWithPath: path)
        let folder = target.deletingLastPathComponent().path
        let unique = "\(getpid())-\(UInt32.random(in: .min ... .max))"
        let temporary = "\(folder)/.\(target.lastPathComponent).\(unique).tmp"

        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw .unwritable(file: path, reason: systemErrorText()) }
        var failure: String?
        for chunk in chunks where failure == nil { failure = write(chunk, to: descriptor) }
        if failure == nil && fsync(descriptor) != 0 { failure = systemErrorText() }
        if close(descriptor) != 0 && failure == nil { failure = systemErrorText() }
        if failure == nil && rename(temporary, path) != 0 { failure = systemErrorText() }
        if let failure {
            unlink(temporary)
            throw .unwritable(file: path, reason: failure)
        }
        // A file system that cannot sync a folder has the file nevertheless.
        let folderDescriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folderDescriptor >= 0 {
            fsync(folderDescriptor)
            close(folderDescriptor)
        }
    }

    /// Writes one text, in UTF-8.
    /// - Throws: `CheckpointError.unwritable`.
    public static func write(_ text: String, to path: String) throws(CheckpointError) {
        try write([Array(text.utf8)[...]], to: path)
    }

    private static func write(_ chunk: ArraySlice<UInt8>, to descriptor: Int32) -> String? {
        chunk.withUnsafeBytes { bytes in
            var offset = 0
            while offset < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
                let written = Foundation.write(descriptor, rest.baseAddress, rest.count)
                if written >= 0 {
                    offset += written
                } else if errno != EINTR {
                    return systemErrorText()
                }
            }
            return nil
        }
    }
}

/// The text of the calling thread's last system error.
func systemErrorText() -> String { String(cString: strerror(errno)) }
