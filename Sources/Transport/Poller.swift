import CZeroMQ

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Waits until a socket has a message or a file descriptor can be read. Used by the thread that owns the sockets.
public struct Poller {
    private var items: [zmq_pollitem_t] = []

    /// Watches nothing yet.
    public init() {}

    /// Watches a socket; returns its place in `isReady`. The socket must outlive this poller.
    @discardableResult
    public mutating func add(_ socket: MessagingSocket) -> Int {
        items.append(zmq_pollitem_t(socket: socket.pointer, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0))
        return items.count - 1
    }

    /// Watches a file descriptor; returns its place in `isReady`.
    @discardableResult
    public mutating func add(descriptor: Int32) -> Int {
        items.append(zmq_pollitem_t(socket: nil, fd: descriptor, events: Int16(ZMQ_POLLIN), revents: 0))
        return items.count - 1
    }

    /// Waits, at most for `timeout`.
    public mutating func wait(_ timeout: Duration) throws(TransportError) {
        for index in items.indices { items[index].revents = 0 }
        let result = zmq_poll(&items, Int32(items.count), Int(timeout.wholeMilliseconds))
        if result < 0 && zmq_errno() != EINTR { throw .last("zmq_poll") }
    }

    /// Whether what stands at this place can be read, or is closed.
    public func isReady(_ place: Int) -> Bool { items[place].revents != 0 }
}
