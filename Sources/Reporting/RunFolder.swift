import Checkpoint
import Foundation

/// The folder that holds everything of one run. Not safe to use from two threads at once.
///
/// `summary.json` is written last and whole: where it is, the run is complete.
public struct RunFolder: Sendable {
    /// As given by the user.
    public let path: String

    private init(path: String) { self.path = path }

    /// Checks that `create` would succeed now, and leaves nothing.
    ///
    /// - Throws: `ReportingError.exists` when something is at the path; `.cannotCreate` when no folder can be made in
    ///   the nearest one above it that exists.
    public static func requireCreatable(_ path: String) throws(ReportingError) {
        var status = stat()
        if lstat(path, &status) == 0 { throw .exists(folder: path) }
        if errno != ENOENT { throw .cannotCreate(folder: path, reason: FileWriting.reason(errno)) }
        var parent = RunFolder.parent(of: path)
        while stat(parent, &status) != 0 {
            if errno != ENOENT { throw .cannotCreate(folder: path, reason: "\(parent): \(FileWriting.reason(errno))") }
            if parent == "." || parent == "/" { break }
            parent = RunFolder.parent(of: parent)
        }
        // Asking for permissions is not enough: root has them all, and a file system may still refuse.
        var probe = Array("\(parent)/.ostr-XXXXXX".utf8CString)
        guard mkdtemp(&probe) != nil else {
            throw .cannotCreate(folder: path, reason: "\(parent): \(FileWriting.reason(errno))")
        }
        rmdir(probe)
    }

    /// Makes the folder, and the folders above it where they are missing.
    ///
    /// - Throws: `ReportingError.exists` when something is at the path already; of two runs that ask for the same
    ///   folder at the same moment, one gets it.
    public static func create(_ path: String) throws(ReportingError) -> RunFolder {
        var missing: [String] = []
        var parent = parent(of: path)
        var status = stat()
        while stat(parent, &status) != 0 && errno == ENOENT && parent != "." && parent != "/" {
            missing.append(parent)
            parent = RunFolder.parent(of: parent)
        }
        for folder in missing.reversed() where mkdir(folder, 0o777) != 0 && errno != EEXIST {
            throw .cannotCreate(folder: path, reason: "\(folder): \(FileWriting.reason(errno))")
        }
        guard mkdir(path, 0o777) == 0 else {
            if errno == EEXIST { throw .exists(folder: path) }
            throw .cannotCreate(folder: path, reason: FileWriting.reason(errno))
        }
        return RunFolder(path: path)
    }

    /// The folder of a run that did not end, to go on with it.
    ///
    /// - Throws: `ReportingError.notResumable` when there is none, or when its run is complete.
    public static func open(_ path: String) throws(ReportingError) -> RunFolder {
        let folder = RunFolder(path: path)
        var status = stat()
        // A comparison of criteria has no summary; its table is written last.
        for name in ["summary.json", "criteria.csv"] where stat(folder.file(name), &status) == 0 {
            throw .notResumable(folder: path, reason: "its run is complete: it has a \(name)")
        }
        guard stat(folder.file("config.json"), &status) == 0 else {
            throw .notResumable(folder: path, reason: "it has no config.json: no run began there")
        }
        return folder
    }

    /// The folder of a run that is complete, to use its results.
    ///
    /// - Throws: `ReportingError.notComplete` when there is none, or when its run did not end.
    public static func complete(_ path: String) throws(ReportingError) -> RunFolder {
        let folder = RunFolder(path: path)
        var status = stat()
        guard stat(folder.file("summary.json"), &status) == 0 else {
            let isRun = stat(folder.file("config.json"), &status) == 0
            throw .notComplete(
                folder: path,
                reason: isRun ? "its run did not end: it has no summary.json" : "it is no run folder")
        }
        return folder
    }

    /// What its run was asked for.
    public func description() throws(ReportingError) -> RunDescription {
        do {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: file("config.json")))
            return try JSONDecoder().decode(RunDescription.self, from: bytes)
        } catch {
            throw .notResumable(folder: path, reason: "its config.json cannot be read: \(error)")
        }
    }

    /// The folder that a path is in: `.` for a bare name, `/` for the root itself.
    static func parent(of path: String) -> String {
        var bytes = path.utf8[...]
        func dropSlashes() { while bytes.count > 1 && bytes.last == UInt8(ascii: "/") { bytes = bytes.dropLast() } }
        dropSlashes()
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        bytes = bytes[...slash]
        dropSlashes()
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `runs/20260131-094512-nasbench201-fashion-mnist`, in local time.
    public static func defaultPath(space: String, dataset: String, date: Date = Date()) -> String {
        var seconds = time_t(date.timeIntervalSince1970)
        var parts = tm()
        localtime_r(&seconds, &parts)
        var buffer = [CChar](repeating: 0, count: 32)
        let length = strftime(&buffer, buffer.count, "%Y%m%d-%H%M%S", &parts)
        let stamp = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return "runs/\(stamp)-\(space)-\(dataset)"
    }

    /// The path of a file in this folder.
    public func file(_ name: String) -> String { path.hasSuffix("/") ? path + name : "\(path)/\(name)" }

    /// Writes a file whole or not at all.
    public func write(_ name: String, _ text: String) throws(ReportingError) {
        try replace(name, with: Array(text.utf8))
    }

    /// Writes a value as JSON with sorted keys; numbers that JSON has no form for become the strings `Infinity`,
    /// `-Infinity` and `NaN`.
    public func write(_ name: String, json value: some Encodable) throws(ReportingError) {
        let bytes: [UInt8]
        do {
            bytes = try RunFolder.encode(value, pretty: true)
        } catch {
            throw .write(file: file(name), reason: "\(error)")
        }
        try replace(name, with: bytes)
    }

    private func replace(_ name: String, with bytes: [UInt8]) throws(ReportingError) {
        do {
            try AtomicFile.write([bytes[...]], to: file(name))
        } catch {
            throw ReportingError(error)
        }
    }

    /// JSON with sorted keys, in one line or indented, with a newline at the end.
    static func encode(_ value: some Encodable, pretty: Bool) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting =
            pretty
            ? [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            : [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
    }
}
