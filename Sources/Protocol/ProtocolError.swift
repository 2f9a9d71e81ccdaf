/// Why a message is refused.
public enum ProtocolError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The peer speaks another version of the protocol, or none.
    case version(found: UInt32, expected: UInt32)
    /// More than the limit.
    case oversized(what: String, found: Int, limit: Int)
    /// The message has another number of frames than its kind has.
    case parts(found: Int, expected: Int)
    /// Not one of our messages; the text says what is wrong.
    case malformed(String)
    /// The bytes are not those that were sent.
    case checksum(what: String)

    /// One line for a person.
    public var description: String {
        switch self {
        case .version(let found, let expected):
            "protocol version \(found) where \(expected) is spoken here; use the same build of ostr everywhere"
        case .oversized(let what, let found, let limit): "\(what) of \(found) where at most \(limit) is allowed"
        case .parts(let found, let expected): "\(found) frames in a message of \(expected)"
        case .malformed(let what): "malformed message: \(what)"
        case .checksum(let what): "\(what) was damaged on the way"
        }
    }
}
