import Checkpoint

/// Why something of a run could not be written.
public enum ReportingError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The output folder is there already.
    case exists(folder: String)
    /// The output folder cannot be made.
    case cannotCreate(folder: String, reason: String)
    /// The run of a folder cannot go on.
    case notResumable(folder: String, reason: String)
    /// A folder has no results of a run.
    case notComplete(folder: String, reason: String)
    /// A file of the run folder cannot be written.
    case write(file: String, reason: String)

    public var description: String {
        switch self {
        case .exists(let folder):
            "the output folder \(folder) exists already; give another with --output, or move it away"
        case .cannotCreate(let folder, let reason):
            "cannot create the output folder \(folder): \(reason)"
        case .notResumable(let folder, let reason):
            "cannot go on with the run in \(folder): \(reason)"
        case .notComplete(let folder, let reason):
            "cannot use the run in \(folder): \(reason)"
        case .write(let file, let reason):
            "cannot write \(file): \(reason)"
        }
    }
}

extension ReportingError {
    init(_ error: CheckpointError) {
        self =
            switch error {
            case .unwritable(let file, let reason), .unreadable(let file, let reason):
                .write(file: file, reason: reason)
            case .malformed, .mismatch: .write(file: "\(error)", reason: "it is malformed")
            }
    }
}
