import Foundation

/// A new folder in the system's temporary folder, which nobody but its owner can enter (mode 0700), with a path short
/// enough for socket files.
public final class PrivateFolder: Sendable {
    /// Its path.
    public let path: String

    /// - Throws: `TransportError.system` when it cannot be made.
    public init() throws(TransportError) {
        let wanted = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        let base = wanted.utf8.count <= 60 ? wanted : "/tmp"
        var template = Array("\(base)/ostr-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw .system(call: "mkdtemp in \(base)", code: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Removes the folder and what is in it.
    public func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }

    deinit { remove() }
}
