import Foundation

/// A new, empty folder, removed with everything in it when the last reference to it goes.
public final class TemporaryFolder: Sendable {
    /// Without a trailing slash.
    public let path: String

    /// - Throws: what the file system says.
    public init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("ostr-test-\(UUID().uuidString)").path
        // For its owner only: socket files in a folder that others can enter are refused.
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The path of something in the folder.
    public func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file into the folder, its subfolders included, and returns its path.
    @discardableResult
    public func write(_ bytes: some Sequence<UInt8>, to name: String) throws -> String {
        let file = self(name)
        try FileManager.default.createDirectory(
            atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        return file
    }

    /// Names of what is directly in the folder, sorted, hidden ones included.
    public var contents: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }
}
