/// Counts the fields of a protobuf header before it is parsed. Parsing takes memory for every entry of a list, a hundred
/// times the bytes that an empty entry has on the wire.
struct HeaderScan {
    /// Fields of the outer message: version, run, who, when, body.
    static let outerFields = 16
    /// Fields of all bodies together: those of the longest list, and what is beside it.
    static let bodyFields = max(WireLimits.losses, WireLimits.wanted, WireLimits.members) + 64

    private let bytes: [UInt8]
    private var index = 0
    private var end: Int

    /// - Throws: `ProtocolError.oversized` for more fields than a message of ours has, `.malformed` for what is no
    ///   protobuf message.
    static func check(_ header: [UInt8]) throws(ProtocolError) {
        var outer = HeaderScan(bytes: header, end: header.count)
        var outerCount = 0
        var bodyCount = 0
        while let field = try outer.next() {
            outerCount += 1
            try limit(outerCount, outerFields)
            guard let range = field else { continue }
            // A body that comes in pieces is merged: all of them count.
            var body = HeaderScan(bytes: header, index: range.lowerBound, end: range.upperBound)
            while try body.next() != nil {
                bodyCount += 1
                try limit(bodyCount, bodyFields)
            }
        }
    }

    private static func limit(_ count: Int, _ limit: Int) throws(ProtocolError) {
        if count > limit { throw .oversized(what: "a message's number of fields", found: count, limit: limit) }
    }

    /// Steps over a field: nil at the end, else where the bytes of a field with a length are.
    private mutating func next() throws(ProtocolError) -> Range<Int>?? {
        guard index < end else { return nil }
        let tag = try number()
        switch tag & 7 {
        case 0: _ = try number()
        case 1: try skip(8)
        case 5: try skip(4)
        case 2:
            let length = try number()
            let start = index
            try skip(length)
            return .some(start..<index)
        default: throw .malformed("not a message of this program")
        }
        return .some(nil)
    }

    private mutating func skip(_ length: UInt64) throws(ProtocolError) {
        guard length <= UInt64(end - index) else { throw .malformed("it is cut short") }
        index += Int(length)
    }

    private mutating func number() throws(ProtocolError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard index < end else { throw .malformed("it is cut short") }
            let byte = bytes[index]
            index += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        throw .malformed("a number without end")
    }
}
