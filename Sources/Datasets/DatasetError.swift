/// Why images cannot be loaded. Its text names the file or folder, what was expected and found, and what to do.
public enum DatasetError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A folder or file that a data set needs is not there.
    case missing(path: String, what: String, remedy: String)
    /// A file is there and cannot be read.
    case unreadable(file: String, reason: String)
    /// A file's content is not that of the format.
    case malformed(file: String, expected: String, found: String)
    /// More images were asked for than there are.
    case tooFew(folder: String, asked: Int, found: Int)
    /// A number of images that nothing can have.
    case impossibleLimit(Int)

    /// One line for the terminal.
    public var description: String {
        switch self {
        case .missing(let path, let what, let remedy): "\(path): \(what); \(remedy)"
        case .unreadable(let file, let reason): "\(file): cannot be read: \(reason)"
        case .malformed(let file, let expected, let found): "\(file): expected \(expected), found \(found)"
        case .tooFew(let folder, let asked, let found):
            "\(folder): \(asked) images were asked for, and there are \(found); ask for at most \(found)"
        case .impossibleLimit(let limit): "\(limit) images were asked for; ask for 1 or more"
        }
    }
}
