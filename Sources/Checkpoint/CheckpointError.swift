/// Why a file of a run cannot be read or written. Its text names the file, what was expected and what was found.
public enum CheckpointError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file cannot be opened or read.
    case unreadable(file: String, reason: String)
    /// The file cannot be written. What stood at its place is unchanged.
    case unwritable(file: String, reason: String)
    /// The content is not that of a valid file. `tensor` is nil when the fault is not in one tensor.
    case malformed(file: String, tensor: String?, expected: String, found: String)
    /// The tensors are not those of the supernet asked for.
    case mismatch(file: String, SupernetMismatch)

    /// One line for the terminal.
    public var description: String {
        switch self {
        case .unreadable(let file, let reason): "\(file): cannot be read: \(reason)"
        case .unwritable(let file, let reason): "\(file): cannot be written: \(reason)"
        case .malformed(let file, let tensor, let expected, let found):
            "\(file):\(tensor.map { " tensor `\($0)`:" } ?? "") expected \(expected), found \(found)"
        case .mismatch(let file, let mismatch): "\(file): not a network of the expected shape: \(mismatch)"
        }
    }
}
