import CZeroMQ

/// The messaging library's own threads, shared by the sockets of a process. May be used from any thread.
public final class MessagingContext: @unchecked Sendable {
    // A context is thread-safe in libzmq, and the pointer never changes.
    let pointer: UnsafeMutableRawPointer

    /// - Throws: `TransportError.system` when the process is out of file descriptors or memory.
    public init() throws(TransportError) {
        guard let pointer = zmq_ctx_new() else { throw .last("zmq_ctx_new") }
        self.pointer = pointer
        zmq_ctx_set(pointer, ZMQ_BLOCKY, 0)
    }

    // Every socket holds its context, so that none is open here; what lingers is waited for, at most for `linger`.
    deinit {
        while zmq_ctx_term(pointer) != 0 && zmq_errno() == EINTR {}
    }
}

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif
