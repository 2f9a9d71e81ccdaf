import Foundation

/// The calls of the operating system by which a checkpoint is written, so that a test can stop a save after any of them.
package struct FileOperations: Sendable {
    /// Makes a folder.
    package var makeFolder: @Sendable (_ path: String) -> Int32
    /// Creates a file that must not exist, and opens it for writing; a descriptor, or -1.
    package var create: @Sendable (_ path: String) -> Int32
    /// Writes at most so many bytes; how many were, or -1.
    package var write: @Sendable (_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int
    package var sync: @Sendable (_ descriptor: Int32) -> Int32
    package var close: @Sendable (_ descriptor: Int32) -> Int32
    /// Opens a folder so that it can be synced; a descriptor, or -1.
    package var openFolder: @Sendable (_ path: String) -> Int32
    package var rename: @Sendable (_ from: String, _ to: String) -> Int32
    /// Removes a file or folder with everything in it.
    package var remove: @Sendable (_ path: String) -> Void

    /// The operating system's.
    package static let system = FileOperations(
        makeFolder: { mkdir($0, 0o777) },
        create: { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) },
        write: { Foundation.write($0, $1.baseAddress, $1.count) },
        sync: { fsync($0) },
        close: { Foundation.close($0) },
        openFolder: { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) },
        rename: { Foundation.rename($0, $1) },
        remove: { try? FileManager.default.removeItem(atPath: $0) })

    package init(
        makeFolder: @escaping @Sendable (String) -> Int32, create: @escaping @Sendable (String) -> Int32,
        write: @escaping @Sendable (Int32, UnsafeRawBufferPointer) -> Int, sync: @escaping @Sendable (Int32) -> Int32,
        close: @escaping @Sendable (Int32) -> Int32, openFolder: @escaping @Sendable (String) -> Int32,
        rename: @escaping @Sendable (String, String) -> Int32, remove: @escaping @Sendable (String) -> Void
    ) {
        self.makeFolder = makeFolder
        self.create = create
        self.write = write
        self.sync = sync
        self.close = close
        self.openFolder = openFolder
        self.rename = rename
        self.remove = remove
    }

    /// Writes a new file and syncs it.
    func write(_ chunks: [ArraySlice<UInt8>], toNew path: String) throws(CheckpointError) {
        let descriptor = create(path)
        guard descriptor >= 0 else { throw .unwritable(file: path, reason: systemErrorText()) }
        var failure: String?
        for chunk in chunks where failure == nil {
            failure = chunk.withUnsafeBytes { bytes in
                var offset = 0
                while offset < bytes.count {
                    let written = write(descriptor, UnsafeRawBufferPointer(rebasing: bytes[offset...]))
                    if written >= 0 {
                        offset += written
                    } else if errno != EINTR {
                        return systemErrorText()
                    }
                }
                return nil
            }
        }
        if failure == nil && sync(descriptor) != 0 { failure = systemErrorText() }
        if close(descriptor) != 0 && failure == nil { failure = systemErrorText() }
        if let failure { throw .unwritable(file: path, reason: failure) }
    }

    /// Makes the names in a folder survive a power failure.
    func syncFolder(_ path: String) throws(CheckpointError) {
        let descriptor = openFolder(path)
        guard descriptor >= 0 else { throw .unwritable(file: path, reason: systemErrorText()) }
        let failure = sync(descriptor) == 0 ? nil : systemErrorText()
        _ = close(descriptor)
        if let failure { throw .unwritable(file: path, reason: failure) }
    }
}
