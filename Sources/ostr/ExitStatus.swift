/// How the process ends when it fails, as in BSD's sysexits.
struct ExitStatus: Sendable, Equatable {
    let rawValue: Int32

    /// Interrupted, and kept so that it can go on.
    static let saved = ExitStatus(rawValue: 0)
    /// Wrong usage or impossible values on the command line.
    static let usage = ExitStatus(rawValue: 64)
    /// Input that is there but malformed.
    static let data = ExitStatus(rawValue: 65)
    /// Input that is not there.
    static let noInput = ExitStatus(rawValue: 66)
    /// An address in use, or nobody at an address; no program for this processor.
    static let unavailable = ExitStatus(rawValue: 69)
    /// The computation cannot go on.
    static let software = ExitStatus(rawValue: 70)
    /// The operating system refused something, such as a new process.
    static let system = ExitStatus(rawValue: 71)
    /// The output folder cannot be created.
    static let cannotCreate = ExitStatus(rawValue: 73)
    /// A read or write failed.
    static let inputOutput = ExitStatus(rawValue: 74)
    /// May work when tried again: a worker was lost or did not come.
    static let temporary = ExitStatus(rawValue: 75)
    /// A key that is not allowed, or a file that others have rights to.
    static let noPermission = ExitStatus(rawValue: 77)
    /// Two processes that do not fit each other.
    static let configuration = ExitStatus(rawValue: 78)

    /// Ended by a signal, as shells report it.
    static func signal(_ number: Int32) -> ExitStatus { ExitStatus(rawValue: 128 + number) }
}
