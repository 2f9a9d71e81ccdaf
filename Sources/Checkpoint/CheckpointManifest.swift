import Crypto
import Foundation

/// `manifest.json` of a checkpoint: which files it has, and whose it is.
struct CheckpointManifest: Codable, Sendable, Equatable {
    struct File: Codable, Sendable, Equatable {
        var name: String
        var bytes: Int
        /// In hexadecimal.
        var sha256: String
    }

    static let name = "manifest.json"
    static let currentFormat = 1
    /// Larger ones are none of ours.
    static let largest = 1 << 20

    var format = CheckpointManifest.currentFormat
    /// The program's version.
    var version: String
    /// SHA-256 of the configuration: checkpoints of equal configurations are interchangeable.
    var configurationDigest: String
    var halfSteps: Int
    /// Finished evaluations of the selection.
    var evaluations: Int
    var files: [File]

    enum CodingKeys: String, CodingKey {
        case format, version, files, evaluations
        case configurationDigest = "configuration_digest"
        case halfSteps = "half_steps"
    }

    static func sha256(_ bytes: some DataProtocol) -> String {
        SHA256.hash(data: bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    func encoded() throws(CheckpointError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
        } catch {
            throw .unwritable(file: CheckpointManifest.name, reason: "\(error)")
        }
    }

    /// Reads a checkpoint's manifest, and checks that its files are there and what they were.
    /// - Returns: the manifest and the files' bytes by name.
    /// - Throws: `CheckpointError` that names the file at fault.
    static func read(_ folder: String) throws(CheckpointError) -> (CheckpointManifest, [String: [UInt8]]) {
        let path = "\(folder)/\(name)"
        let bytes = try contents(path, limit: largest)
        let manifest: CheckpointManifest
        do {
            manifest = try JSONDecoder().decode(CheckpointManifest.self, from: Data(bytes))
        } catch {
            throw .malformed(file: path, tensor: nil, expected: "a checkpoint's manifest", found: "other content")
        }
        guard manifest.format == currentFormat else {
            throw .malformed(
                file: path, tensor: nil, expected: "format \(currentFormat)", found: "format \(manifest.format)")
        }
        guard manifest.halfSteps >= 0, manifest.evaluations >= 0, manifest.files.count <= 16 else {
            throw .malformed(file: path, tensor: nil, expected: "possible numbers", found: "others")
        }
        var files: [String: [UInt8]] = [:]
        for file in manifest.files {
            guard !file.name.contains("/"), !file.name.hasPrefix("."), !file.name.isEmpty else {
                throw .malformed(
                    file: path, tensor: nil, expected: "names of files in the same folder", found: "`\(file.name)`")
            }
            let bytes = try contents("\(folder)/\(file.name)", limit: file.bytes)
            guard bytes.count == file.bytes else {
                throw .malformed(
                    file: "\(folder)/\(file.name)", tensor: nil, expected: "\(file.bytes) bytes",
                    found: "\(bytes.count); was it cut?")
            }
            let sum = sha256(bytes)
            guard sum == file.sha256 else {
                throw .malformed(
                    file: "\(folder)/\(file.name)", tensor: nil, expected: "SHA-256 \(file.sha256), as \(name) has it",
                    found: sum)
            }
            files[file.name] = bytes
        }
        return (manifest, files)
    }

    /// At most one byte more than `limit`, so that a file that grew is noticed and costs nothing.
    private static func contents(_ path: String, limit: Int) throws(CheckpointError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(file: path, reason: systemErrorText()) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(file: path, reason: systemErrorText()) }
        guard status.st_size <= limit else {
            throw .malformed(
                file: path, tensor: nil, expected: "at most \(limit) bytes", found: "\(status.st_size)")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                Foundation.read(descriptor, buffer.baseAddress.map { $0 + offset }, buffer.count - offset)
            }
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw .unreadable(file: path, reason: systemErrorText()) }
            if count == 0 { break }
            offset += count
        }
        return Array(bytes.prefix(offset))
    }
}
