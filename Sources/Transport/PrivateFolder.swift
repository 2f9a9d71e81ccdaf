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

    /// Fails unless a folder belongs to this user and nobody else can enter it.
    /// - Throws: `TransportError.exposed` with what was found.
    static func check(_ folder: String) throws(TransportError) {
        var status = stat()
        guard stat(folder, &status) == 0 else {
            throw .malformedEndpoint("\(folder), the folder of the socket file: \(systemErrorText())")
        }
        guard status.st_uid == geteuid() else {
            throw .exposed(
                "\(folder), the folder of the socket file, belongs to user \(status.st_uid) and not to \(geteuid()), "
                    + "who runs this program: use a folder of your own")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw .exposed(
                "\(folder), the folder of the socket file, is open to others (mode \(octal(status.st_mode))), who could "
                    + "join: chmod 700 \(folder), or give --insecure")
        }
    }

    /// Removes the folder and what is in it.
    public func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }

    deinit { remove() }
}
