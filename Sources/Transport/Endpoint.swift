#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// An address that sockets bind to or connect to: `tcp://HOST:PORT` or `ipc://PATH`.
public struct Endpoint: Sendable, Hashable, CustomStringConvertible {
    /// The two ways between processes.
    public enum Kind: Sendable, Hashable {
        /// Over the network. A port of 0 or `*` is any free one, a host of `*` every address of this machine.
        case tcp(host: String, port: UInt16)
        /// A socket file on this machine.
        case ipc(path: String)
    }

    /// How, and where.
    public let kind: Kind

    /// Bytes of a socket file's path, its closing zero not counted.
    public static let longestPath = 107

    /// - Throws: `TransportError.malformedEndpoint` with what is allowed.
    public init(_ text: String) throws(TransportError) {
        if text.hasPrefix("ipc://") {
            let path = String(text.dropFirst(6))
            // `@` would begin a name outside of the file system, which has no owner and no mode.
            guard !path.isEmpty, !path.hasPrefix("@"), path.utf8.count <= Endpoint.longestPath else {
                throw .malformedEndpoint(
                    "\(text): a socket file's path has 1 to \(Endpoint.longestPath) bytes, this one has "
                        + "\(path.utf8.count)")
            }
            kind = .ipc(path: path)
            return
        }
        guard text.hasPrefix("tcp://"), let colon = text.lastIndex(of: ":") else {
            throw .malformedEndpoint(Endpoint.hint(text))
        }
        let start = text.index(text.startIndex, offsetBy: 6)
        guard colon > start else { throw .malformedEndpoint(Endpoint.hint(text)) }
        let host = String(text[start..<colon])
        let portText = text[text.index(after: colon)...]
        guard let port = portText == "*" ? 0 : UInt16(portText), !host.contains("/"), !host.contains(" ") else {
            throw .malformedEndpoint(Endpoint.hint(text))
        }
        kind = .tcp(host: host, port: port)
    }

    /// Fails for what others could use too, unless there are keys or the user allowed it: TCP, and socket files in a
    /// folder that is not for this user alone.
    /// - Throws: `TransportError.insecure`, `.exposed`, `.malformedEndpoint`.
    public func require(keys: Bool, insecure: Bool) throws(TransportError) {
        if keys || insecure { return }
        switch kind {
        case .tcp: throw .insecure(description)
        case .ipc(let path):
            let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
            try PrivateFolder.check(folder)
        }
    }

    /// As the messaging library writes it.
    public var description: String {
        switch kind {
        case .tcp(let host, let port): "tcp://\(host):\(port == 0 ? "*" : "\(port)")"
        case .ipc(let path): "ipc://\(path)"
        }
    }

    static func hint(_ text: String) -> String {
        "\(text) is not an address: give tcp://HOST:PORT (port 1 to 65535) or ipc:///PATH/OF/A/SOCKET"
    }

    /// Whether somebody listens at a socket file. The messaging library would take the file away from them.
    static func isListening(path: String) -> Bool {
        #if canImport(Glibc)
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #else
            let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
        #endif
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(longestPath)) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }

    /// The address of this machine from which `host` is reached, as the system would choose it. Nothing is sent.
    public static func localAddress(toward host: String, port: UInt16) -> String? {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        #if canImport(Glibc)
            hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        #else
            hints.ai_socktype = SOCK_DGRAM
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        let bare = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        guard getaddrinfo(bare, "\(port)", &hints, &list) == 0, let first = list else { return nil }
        defer { freeaddrinfo(list) }
        let descriptor = socket(first.pointee.ai_family, first.pointee.ai_socktype, first.pointee.ai_protocol)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard connect(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0 else { return nil }
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var name = [CChar](repeating: 0, count: 1025)
        let found = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(descriptor, $0, &length) == 0
                    && getnameinfo($0, length, &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST) == 0
            }
        }
        return found ? Endpoint.host(name) : nil
    }

    private static func host(_ name: [CChar]) -> String {
        let address = Endpoint.plain(Endpoint.text(name))
        return address.contains(":") ? "[\(address)]" : address
    }

    /// An IPv4 address as people write it, also where it comes through a socket for both versions.
    static func plain(_ address: String) -> String {
        address.hasPrefix("::ffff:") && address.contains(".") ? String(address.dropFirst(7)) : address
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Who is at the other end of a connection.
    static func remoteAddress(of descriptor: Int32) -> PeerAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var name = [CChar](repeating: 0, count: 1025)
        var port = [CChar](repeating: 0, count: 32)
        let found = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getpeername(descriptor, $0, &length) == 0
                    && getnameinfo(
                        $0, length, &name, socklen_t(name.count), &port, socklen_t(port.count),
                        NI_NUMERICHOST | NI_NUMERICSERV) == 0
            }
        }
        guard found, storage.ss_family != sa_family_t(AF_UNIX) else {
            return found ? .here : .unknown
        }
        return PeerAddress(host: host(name), port: text(port))
    }
}
