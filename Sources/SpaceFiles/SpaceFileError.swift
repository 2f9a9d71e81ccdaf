/// Why a file is not that of a search space.
public enum SpaceFileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// It cannot be read.
    case unreadable(file: String, reason: String)
    /// Its content is wrong. The line counts from 1; nil where it is about no line.
    case malformed(file: String, line: Int?, problem: String)

    /// One line.
    public var description: String {
        switch self {
        case .unreadable(let file, let reason): "\(file): cannot be read: \(reason)"
        case .malformed(let file, let line, let problem):
            "\(file): \(line.map { "line \($0): " } ?? "")\(problem)"
        }
    }
}
