import Protocol

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The public keys that may join, each with a name, as read from a file: a key and a name on each line, in the form that
/// `ostr keygen` prints. Lines that begin with `#` are comments.
public struct AllowList: Sendable, Equatable {
    /// Where it was read from.
    public let path: String
    /// Names by key. No key and no name occurs twice.
    public let names: [PublicKey: String]

    private static let largest = 1 << 20
    /// Characters of a name.
    private static let longestName = 128

    /// - Throws: `KeyError.unreadable`; `.exposed` when others than the owner may write to the file; `.malformed` with
    ///   the line.
    public init(reading path: String) throws(KeyError) {
        let text = try TextFile.read(path, largest: AllowList.largest) { (status) throws(KeyError) in
            guard status.st_mode & 0o022 == 0 else {
                throw .exposed(
                    file: path,
                    "can be written by others, who could let anybody in (mode \(octal(status.st_mode))): "
                        + "chmod go-w \(path)")
            }
            try TextFile.requireOwner(status, path)
        }
        try self.init(parsing: text, path: path)
    }

    /// - Parameter path: names the file in errors.
    /// - Throws: `KeyError.malformed`.
    public init(parsing text: String, path: String) throws(KeyError) {
        var names: [PublicKey: String] = [:]
        var lines: [String: Int] = [:]
        for (number, line) in TextFile.lines(text) {
            let digits = line.prefix { !$0.isWhitespace }
            let name = String(line.dropFirst(digits.count).drop(while: \.isWhitespace))
            guard let key = PublicKey(hexadecimal: digits) else {
                throw .malformed(
                    file: path, line: number, expected: "a public key of 64 hexadecimal digits, then a name",
                    found: digits.count > 80 ? "\(digits.count) characters" : "`\(digits)`")
            }
            guard !name.isEmpty, name.count <= AllowList.longestName else {
                throw .malformed(
                    file: path, line: number,
                    expected: "a name of 1 to \(AllowList.longestName) characters behind the key",
                    found: name.isEmpty ? "none" : "\(name.count)")
            }
            if let other = names[key] {
                throw .malformed(
                    file: path, line: number, expected: "every key once",
                    found: "the key of `\(other)` in line \(lines[other] ?? 0)")
            }
            if let other = lines[name] {
                throw .malformed(
                    file: path, line: number, expected: "every name once", found: "`\(name)` in line \(other) too")
            }
            names[key] = name
            lines[name] = number
        }
        self.path = path
        self.names = names
    }

    /// The line of the list for a key.
    public static func line(_ key: PublicKey, name: String) -> String { "\(key) \(name)" }
}

extension PublicKey {
    /// Reads what a person gives as somebody's public key: 64 hexadecimal digits, or the name of a file with one line of
    /// an `AllowList`.
    public init(text: String) throws(KeyError) {
        if let key = PublicKey(hexadecimal: text) {
            self = key
            return
        }
        guard access(text, F_OK) == 0 else {
            throw .noKey("\(text) is neither a public key of 64 hexadecimal digits nor a file")
        }
        let list = try AllowList(reading: text)
        guard let key = list.names.keys.first, list.names.count == 1 else {
            throw .malformed(file: text, line: 1, expected: "one public key", found: "\(list.names.count)")
        }
        self = key
    }
}
