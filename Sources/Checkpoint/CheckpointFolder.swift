import Foundation
import Search

/// The checkpoints of one run: folders with rising numbers, of which the two newest are kept.
///
/// A checkpoint is written to a temporary folder, each file synced, the manifest with the SHA-256 of each file last; then
/// the folder gets its name, and the folder above is synced. Whenever the power fails, the checkpoint before is whole.
/// Used by one thread at a time.
public struct CheckpointFolder: Sendable {
    /// A checkpoint that was read.
    public struct Found: Sendable {
        /// Its folder.
        public let path: String
        /// What it holds.
        public let state: SearchState
        /// Newer ones that cannot be used, and why.
        public let rejected: [CheckpointError]
    }

    /// What `verify` tells of a checkpoint.
    public struct Description: Sendable, Equatable {
        /// Its folder.
        public let path: String
        /// Half-steps applied.
        public let halfSteps: Int
        /// Finished evaluations of the selection.
        public let evaluations: Int
        /// SHA-256 of the configuration that it belongs to.
        public let configurationDigest: String
        /// Files, the manifest not counted, and their bytes together.
        public let files: Int, bytes: Int
    }

    /// So many are kept.
    public static let kept = 2

    /// `checkpoints` in the run folder.
    public let path: String
    private let configurationDigest: String
    private let version: String
    private let operations: FileOperations

    /// - Parameters:
    ///   - run: the run folder.
    ///   - configurationDigest: SHA-256 of the run's configuration.
    ///   - version: the program's, for the manifest.
    public init(run: String, configurationDigest: String, version: String) {
        self.init(run: run, configurationDigest: configurationDigest, version: version, operations: .system)
    }

    package init(run: String, configurationDigest: String, version: String, operations: FileOperations) {
        path = run.hasSuffix("/") ? run + "checkpoints" : run + "/checkpoints"
        self.configurationDigest = configurationDigest
        self.version = version
        self.operations = operations
    }

    /// Writes a checkpoint, and removes all but the two newest.
    ///
    /// - Returns: its folder.
    /// - Throws: `CheckpointError.unwritable`; nothing is left of it then, and what was there is unchanged.
    @discardableResult
    public func save(_ state: SearchState) throws(CheckpointError) -> String {
        if operations.makeFolder(path) != 0, errno != EEXIST {
            throw .unwritable(file: path, reason: systemErrorText())
        }
        let number = (numbers.last ?? 0) + 1
        let temporary = "\(path)/.\(number)-\(getpid()).tmp"
        operations.remove(temporary)
        guard operations.makeFolder(temporary) == 0 else {
            throw .unwritable(file: temporary, reason: systemErrorText())
        }
        do throws(CheckpointError) {
            let files = try state.files(configurationDigest: configurationDigest)
            for file in files { try operations.write([file.bytes[...]], toNew: "\(temporary)/\(file.name)") }
            let manifest = CheckpointManifest(
                version: version, configurationDigest: configurationDigest,
                halfSteps: state.training.appliedHalfSteps, evaluations: state.evaluations.count,
                files: files.map {
                    .init(name: $0.name, bytes: $0.bytes.count, sha256: CheckpointManifest.sha256($0.bytes))
                })
            try operations.write(
                [try manifest.encoded()[...]], toNew: "\(temporary)/\(CheckpointManifest.name)")
            try operations.syncFolder(temporary)
            let final = folder(number)
            guard operations.rename(temporary, final) == 0 else {
                throw .unwritable(file: final, reason: systemErrorText())
            }
            try operations.syncFolder(path)
            removeOld()
            return final
        } catch {
            operations.remove(temporary)
            throw error
        }
    }

    /// The newest checkpoint that is whole and of this run; nil when there is none at all.
    ///
    /// - Throws: the error of the newest one, when there are some and none can be used.
    public func newest() throws(CheckpointError) -> Found? {
        var rejected: [CheckpointError] = []
        for number in numbers.reversed() {
            do throws(CheckpointError) {
                return Found(path: folder(number), state: try read(folder(number)), rejected: rejected)
            } catch {
                rejected.append(error)
            }
        }
        if let first = rejected.first { throw first }
        return nil
    }

    /// Removes all checkpoints: the run is complete.
    public func removeAll() { operations.remove(path) }

    /// Checks every file of a checkpoint.
    ///
    /// - Parameter path: a checkpoint's folder, or a run folder, whose newest checkpoint is checked then.
    /// - Throws: `CheckpointError` that names the file at fault.
    public static func verify(_ path: String) throws(CheckpointError) -> Description {
        var folder = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        if access("\(folder)/\(CheckpointManifest.name)", F_OK) != 0 {
            let checkpoints = CheckpointFolder(run: folder, configurationDigest: "", version: "")
            guard let newest = checkpoints.numbers.last else {
                throw .unreadable(file: path, reason: "there is no checkpoint in it")
            }
            folder = checkpoints.folder(newest)
        }
        let (manifest, files) = try CheckpointManifest.read(folder)
        _ = try SearchState(
            files: files, folder: folder, halfSteps: manifest.halfSteps,
            configurationDigest: manifest.configurationDigest)
        return Description(
            path: folder, halfSteps: manifest.halfSteps, evaluations: manifest.evaluations,
            configurationDigest: manifest.configurationDigest, files: files.count,
            bytes: files.values.reduce(0) { $0 + $1.count })
    }

    private func read(_ folder: String) throws(CheckpointError) -> SearchState {
        let (manifest, files) = try CheckpointManifest.read(folder)
        guard manifest.configurationDigest == configurationDigest else {
            throw .malformed(
                file: "\(folder)/\(CheckpointManifest.name)", tensor: nil,
                expected: "this run's configuration, \(configurationDigest)",
                found: "another run's, \(manifest.configurationDigest)")
        }
        return try SearchState(
            files: files, folder: folder, halfSteps: manifest.halfSteps, configurationDigest: configurationDigest)
    }

    private func folder(_ number: Int) -> String {
        let digits = String(number)
        return "\(path)/" + String(repeating: "0", count: max(8 - digits.count, 0)) + digits
    }

    /// Of finished checkpoints, rising.
    private var numbers: [Int] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { $0.allSatisfy { ("0"..."9").contains($0) } }.compactMap { Int($0) }.sorted()
    }

    /// What is not among the newest, and what saves that were cut short have left.
    private func removeOld() {
        for number in numbers.dropLast(CheckpointFolder.kept) { operations.remove(folder(number)) }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        for name in names where name.hasPrefix(".") && name.hasSuffix(".tmp") { operations.remove("\(path)/\(name)") }
    }
}
