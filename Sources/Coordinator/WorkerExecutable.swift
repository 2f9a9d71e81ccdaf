import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A worker process of this machine. It is ended and waited for by its id; ending is idempotent.
final class WorkerExecutable {
    let name: String
    private let id: pid_t
    /// The worker reads it: when this process is gone in whatever way, the worker sees the end of its input.
    private var inputEnd: Int32
    private let outputPath: String
    private var status: Int32?

    /// Bytes of a worker's output that an error quotes.
    private static let quoted = 2048

    /// Starts a program with standard input from a pipe that this object holds, and both outputs into a file.
    init(
        name: String, executable: String, arguments: [String], outputPath: String
    ) throws(CoordinatorError) {
        self.name = name
        self.outputPath = outputPath
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw WorkerExecutable.error(executable, errno) }
        // The next worker must not hold this one's pipe open.
        _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
        _ = fcntl(ends[1], F_SETFD, FD_CLOEXEC)
        inputEnd = ends[1]
        defer { close(ends[0]) }
        do throws(CoordinatorError) {
            id = try WorkerExecutable.spawn(executable, arguments, input: ends[0], outputPath)
        } catch {
            close(ends[1])
            throw error
        }
    }

    deinit { end(until: .zero) }

    /// How it ended, if it has: `exit status 3`, `signal 9`.
    func ended() -> String? {
        if status == nil {
            var status: Int32 = 0
            if waitpid(id, &status, WNOHANG) == id { self.status = status }
        }
        return status.map { $0 & 0x7f == 0 ? "exit status \(($0 >> 8) & 0xff)" : "signal \($0 & 0x7f)" }
    }

    /// Whether it ended and reported success.
    var hasSucceeded: Bool { status == 0 }

    /// Whether a signal ended it.
    var wasKilled: Bool { status.map { $0 & 0x7f != 0 } ?? false }

    /// The end of what it wrote.
    func output() -> String {
        let descriptor = open(outputPath, O_RDONLY)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        let size = lseek(descriptor, 0, SEEK_END)
        lseek(descriptor, max(0, size - off_t(WorkerExecutable.quoted)), SEEK_SET)
        var bytes = [UInt8](repeating: 0, count: WorkerExecutable.quoted)
        let count = read(descriptor, &bytes, bytes.count)
        let text = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }

    /// Closes its input, upon which it ends by itself.
    func closeInput() {
        if inputEnd >= 0 { close(inputEnd) }
        inputEnd = -1
    }

    /// Closes its input, waits until a moment for it to end by itself, then kills it.
    func end(until limit: Duration) {
        closeInput()
        while ended() == nil, MonotonicClock.now < limit { usleep(2000) }
        if ended() != nil { return }
        kill(id, SIGKILL)
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0 && errno == EINTR {}
        self.status = status
    }

    private static func error(_ executable: String, _ code: Int32) -> CoordinatorError {
        .cannotStart(executable: executable, reason: String(cString: strerror(code)))
    }

    private static func spawn(
        _ executable: String, _ arguments: [String], input: Int32, _ outputPath: String
    ) throws(CoordinatorError) -> pid_t {
        #if canImport(Glibc)
            var actions = posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
        #else
            var actions: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
        #endif
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // A group of its own: Ctrl-C goes to the coordinator, which ends its workers in order.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGDEF))
        posix_spawnattr_setpgroup(&attributes, 0)
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGPIPE] { sigaddset(&signals, number) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        var words: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        var id: pid_t = 0
        let code = posix_spawn(&id, executable, &actions, &attributes, words, environ)
        guard code == 0 else { throw error(executable, code) }
        return id
    }
}
