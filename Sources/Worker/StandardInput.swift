#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The pipe from whoever started this process: its end tells that the launcher is gone.
enum StandardInput {
    /// To be called when a poller says that descriptor 0 can be read; what was written to it is dropped.
    static func isClosed() -> Bool {
        var bytes: (UInt64, UInt64) = (0, 0)
        return read(0, &bytes, 16) <= 0
    }
}
