/// Why a key or a list of keys cannot be used. Its text names the file, and the line where there is one.
public enum KeyError: Error, Sendable, Equatable, CustomStringConvertible {
    /// There is something of this name, and a key is never overwritten.
    case exists(file: String)
    /// The file cannot be made.
    case cannotCreate(file: String, reason: String)
    /// The file cannot be opened or read.
    case unreadable(file: String, reason: String)
    /// Others have rights to the file that they must not have; the text says which and what helps.
    case exposed(file: String, String)
    /// The content is not what it should be. Lines count from 1.
    case malformed(file: String, line: Int, expected: String, found: String)
    /// Neither a key nor a file with one.
    case noKey(String)

    /// One line for a person.
    public var description: String {
        switch self {
        case .exists(let file): "\(file) exists already; a key is never overwritten"
        case .cannotCreate(let file, let reason): "cannot make \(file): \(reason)"
        case .unreadable(let file, let reason): "cannot read \(file): \(reason)"
        case .exposed(let file, let text): "\(file) \(text)"
        case .malformed(let file, let line, let expected, let found):
            "\(file), line \(line): expected \(expected), found \(found)"
        case .noKey(let text): text
        }
    }
}
