import CZeroMQ

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The messaging library's own threads, shared by the sockets of a process. May be used from any thread.
public final class MessagingContext: @unchecked Sendable {
    // A context is thread-safe in libzmq, and the pointer never changes.
    let pointer: UnsafeMutableRawPointer

    /// Sockets that may be open: a worker has one for each other worker, and for a moment those of two generations.
    private static let sockets: Int32 = 16384

    /// - Throws: `TransportError.system` when the process is out of file descriptors or memory.
    public init() throws(TransportError) {
        MessagingContext.allowDescriptors()
        guard let pointer = zmq_ctx_new() else { throw .last("zmq_ctx_new") }
        self.pointer = pointer
        zmq_ctx_set(pointer, ZMQ_BLOCKY, 0)
        zmq_ctx_set(pointer, ZMQ_MAX_SOCKETS, MessagingContext.sockets)
    }

    // Every socket holds its context, so that none is open here; what lingers is waited for, at most for `linger`.
    deinit {
        while zmq_ctx_term(pointer) != 0 && zmq_errno() == EINTR {}
    }

    /// Lets the process have as many files as the system allows it: the usual 1024 are too few for the connections among
    /// some hundred workers, three descriptors each, and the library ends the process where it gets none.
    private static func allowDescriptors() {
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return }
        // Four for each socket; macOS refuses more than it says elsewhere, and keeps what was.
        limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, rlim_t(4 * sockets)))
        setrlimit(resource, &limit)
    }
}
