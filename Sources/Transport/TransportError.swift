import CZeroMQ

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Why a socket cannot be used.
public enum TransportError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Somebody listens at the address already.
    case addressInUse(String)
    /// This machine does not have the address.
    case addressNotAvailable(String)
    /// The host's name cannot be resolved.
    case cannotResolve(String)
    /// Not an endpoint that is understood; the text says what is wrong and what is allowed.
    case malformedEndpoint(String)
    /// TCP without keys and without leave to do so.
    case insecure(String)
    /// A socket file in a folder that others can enter; the text says what is wrong and what helps.
    case exposed(String)
    /// The messaging library was built without CURVE.
    case noEncryption
    /// A call of the operating system or of the messaging library failed.
    case system(call: String, code: Int32)

    /// One line for a person.
    public var description: String {
        switch self {
        case .addressInUse(let endpoint): "the address \(endpoint) is in use"
        case .addressNotAvailable(let endpoint): "this machine has no address \(endpoint)"
        case .cannotResolve(let endpoint): "cannot resolve the host in \(endpoint)"
        case .malformedEndpoint(let text): text
        case .insecure(let endpoint):
            "\(endpoint) is TCP without keys: anybody who reaches the port could join and read; give keys (`ostr help "
                + "keygen`), or --insecure if the network is trusted"
        case .exposed(let text): text
        case .noEncryption:
            "this libzmq was built without encryption (CURVE): install one with libsodium, such as Debian's or Homebrew's"
        case .system(let call, let code): "\(call): \(String(cString: zmq_strerror(code)))"
        }
    }

    /// The error of the messaging library's last call on this thread.
    static func last(_ call: String, endpoint: String? = nil) -> TransportError {
        let code = zmq_errno()
        guard let endpoint else { return .system(call: call, code: code) }
        switch code {
        case EADDRINUSE: return .addressInUse(endpoint)
        case EADDRNOTAVAIL: return .addressNotAvailable(endpoint)
        case ENODEV, ENOENT: return .cannotResolve(endpoint)
        case EINVAL, EPROTONOSUPPORT, incompatibleProtocol: return .malformedEndpoint(Endpoint.hint(endpoint))
        default: return .system(call: "\(call) \(endpoint)", code: code)
        }
    }

    private static let incompatibleProtocol: Int32 = 156_384_712 + 52
}
