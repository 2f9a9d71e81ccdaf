import Protocol

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A file with the secret half of a key pair, for its owner alone (mode 0600).
///
/// Lines that begin with `#` are comments; the one other line is `ostr-secret-key` and 64 hexadecimal digits.
public enum KeyFile {
    private static let word = "ostr-secret-key"
    private static let largest = 4096

    /// Makes a new key and its file.
    /// - Throws: `KeyError.exists`, `.cannotCreate`.
    public static func create(at path: String) throws(KeyError) -> KeyPair {
        let pair: KeyPair
        do throws(TransportError) {
            pair = try KeyPair.generate()
        } catch {
            throw .cannotCreate(file: path, reason: error.description)
        }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            if errno == EEXIST { throw .exists(file: path) }
            throw .cannotCreate(file: path, reason: systemErrorText())
        }
        let text = """
            # The secret key of one process of ostr. Whoever has it is that process; `ostr keygen --show` tells the
            # public key.
            \(word) \(Hexadecimal.text(pair.secret))

            """
        let bytes = Array(text.utf8)
        let isWritten = write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        let code = errno
        close(descriptor)
        guard isWritten else {
            unlink(path)
            throw .cannotCreate(file: path, reason: String(cString: strerror(code)))
        }
        return pair
    }

    /// Reads a key.
    /// - Throws: `KeyError.unreadable`; `.exposed` when others than the owner may read it, or the owner is somebody
    ///   else; `.malformed`.
    public static func read(_ path: String) throws(KeyError) -> KeyPair {
        let text = try TextFile.read(path, largest: largest) { (status) throws(KeyError) in
            guard status.st_mode & 0o077 == 0 else {
                throw .exposed(
                    file: path,
                    "can be read or written by others (mode \(octal(status.st_mode))): chmod 600 \(path)")
            }
            try TextFile.requireOwner(status, path)
        }
        var secret: [UInt8]?
        for (number, line) in TextFile.lines(text) {
            let words = line.split(separator: " ")
            guard secret == nil, words.count == 2, words[0] == word, let bytes = Hexadecimal.bytes(words[1]),
                bytes.count == PublicKey.size
            else {
                // Not a word of the line itself: it may be a secret.
                throw .malformed(
                    file: path, line: number, expected: "one line `\(word)` with 64 hexadecimal digits",
                    found: secret == nil ? "something else" : "a further line")
            }
            secret = bytes
        }
        guard let secret else {
            throw .malformed(
                file: path, line: 1, expected: "a line `\(word)` with 64 hexadecimal digits", found: "none")
        }
        do throws(TransportError) {
            guard let pair = try KeyPair(secret: secret) else {
                throw TransportError.noEncryption
            }
            return pair
        } catch {
            throw .unreadable(file: path, reason: error.description)
        }
    }
}

/// A small file of lines that decides who may do what.
enum TextFile {
    /// - Parameter check: looks at the opened file's owner and mode.
    static func read(
        _ path: String, largest: Int, check: (stat) throws(KeyError) -> Void
    ) throws(KeyError) -> String {
        // Opening a pipe must not wait for its other end.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .unreadable(file: path, reason: systemErrorText()) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(file: path, reason: systemErrorText()) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable(file: path, reason: "it is not a regular file")
        }
        guard status.st_size <= largest else {
            throw .unreadable(file: path, reason: "it has \(status.st_size) bytes where at most \(largest) make sense")
        }
        try check(status)
        var bytes = [UInt8](repeating: 0, count: largest)
        var filled = 0
        while filled < largest {
            let got = bytes[filled...].withUnsafeMutableBytes { readBytes(descriptor, $0) }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw .unreadable(file: path, reason: systemErrorText()) }
            if got == 0 { break }
            filled += got
        }
        guard let text = String(validating: bytes[..<filled], as: UTF8.self) else {
            throw .unreadable(file: path, reason: "it is not text in UTF-8")
        }
        return text
    }

    /// Ours, or the system administrator's, who can read everything anyway.
    static func requireOwner(_ status: stat, _ path: String) throws(KeyError) {
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw .exposed(
                file: path, "belongs to user \(status.st_uid) and not to \(geteuid()), who runs this program")
        }
    }

    /// Lines with their numbers, without spaces around them; empty ones and comments are left out.
    static func lines(_ text: String) -> [(number: Int, text: String)] {
        var lines: [(number: Int, text: String)] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let trimmed = line.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed()
            if !trimmed.isEmpty, trimmed.first != "#" { lines.append((index + 1, String(trimmed))) }
        }
        return lines
    }
}

func octal(_ mode: mode_t) -> String {
    let digits = String(mode & 0o7777, radix: 8)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
}

/// The text of the calling thread's last system error.
func systemErrorText() -> String { String(cString: strerror(errno)) }

private func readBytes(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    read(descriptor, buffer.baseAddress, buffer.count)
}
