import Checkpoint
import Coordinator
import Datasets
import NASBench201
import ONNX
import Reporting
import Search
import SpaceFiles
import Supernet
import Transport
import Worker

/// Why a command failed: what is printed, and the exit code.
struct Failure: Error, Equatable {
    var status: ExitStatus
    /// One line: what was wrong, what was found, what is allowed or helps.
    var message: String

    init(_ status: ExitStatus, _ message: String) {
        self.status = status
        self.message = message
    }

    /// Any error that a command may end with, as a failure; nil for what the argument parser has to say itself.
    static func of(_ error: any Error) -> Failure? {
        switch error {
        case let error as Failure: error
        case let error as SearchError: Failure(error)
        case let error as SupernetError: Failure(error)
        case let error as DatasetError: Failure(error)
        case let error as CheckpointError: Failure(error)
        case let error as ReportingError: Failure(error)
        case let error as ArchitectureError: Failure(.usage, error.description)
        case let error as ONNXError: Failure(.data, error.description)
        case let error as GenotypeError: Failure(.data, error.description)
        case let error as SpaceFileError: Failure(error)
        case let error as CoordinatorError: Failure(error)
        case let error as WorkerError: Failure(error)
        case let error as KeyError: Failure(error)
        default: nil
        }
    }

    init(_ error: SearchError) {
        switch error {
        case .configuration: self.init(.usage, error.description)
        case .nonFinite: self.init(.software, error.description)
        case .interrupted: self.init(.saved, error.description)
        case .mismatch: self.init(.data, error.description)
        }
    }

    init(_ error: SupernetError) {
        self.init(.usage, error.description)
    }

    init(_ error: SpaceFileError) {
        let status: ExitStatus =
            switch error {
            case .unreadable: .noInput
            case .malformed: .data
            }
        self.init(status, error.description)
    }

    init(_ error: DatasetError) {
        let status: ExitStatus =
            switch error {
            case .missing, .unreadable: .noInput
            case .malformed: .data
            case .tooFew, .impossibleLimit: .usage
            }
        self.init(status, error.description)
    }

    init(_ error: CheckpointError) {
        let status: ExitStatus =
            switch error {
            case .unreadable: .noInput
            case .unwritable: .inputOutput
            case .malformed, .mismatch: .data
            }
        self.init(status, error.description)
    }

    init(_ error: ReportingError) {
        switch error {
        case .notResumable, .notComplete: self.init(.noInput, error.description)
        case .exists, .cannotCreate: self.init(.cannotCreate, error.description)
        case .write: self.init(.inputOutput, error.description)
        }
    }

    init(_ error: CoordinatorError) {
        let status: ExitStatus =
            switch error {
            case .addressInUse: .unavailable
            case .endpoint: .usage
            case .tooFewWorkers, .abandoned, .workerExited: .temporary
            case .cannotStart: .system
            case .hopeless, .disagreement, .endedEarly: .software
            case .interrupted(let signal, let isSaved): isSaved ? .saved : .signal(signal)
            case .search(let error): Failure(error).status
            case .transport, .notKept: .inputOutput
            }
        self.init(status, error.description)
    }

    init(_ error: WorkerError) {
        let status: ExitStatus =
            switch error {
            case .noCoordinator, .noHandshake: .unavailable
            case .keyRefused: .noPermission
            case .coordinatorGone, .runEnded, .launcherGone: .temporary
            case .refused: .configuration
            case .interrupted(let signal): .signal(signal)
            case .data: .data
            case .computation: .software
            case .transport: .unavailable
            }
        self.init(status, error.description)
    }

    init(_ error: KeyError) {
        let status: ExitStatus =
            switch error {
            case .exists, .cannotCreate: .cannotCreate
            case .unreadable: .noInput
            case .exposed: .noPermission
            case .malformed: .data
            case .noKey: .usage
            }
        self.init(status, error.description)
    }
}
