/// Why a text is not a genotype.
public struct GenotypeError: Error, Sendable, Equatable, CustomStringConvertible {
    /// From 1.
    public let line: Int
    /// From 1, in bytes.
    public let column: Int
    /// What is wrong there, and what is allowed.
    public let problem: String

    /// One line.
    public var description: String { "not a genotype: line \(line), column \(column): \(problem)" }
}

/// What a genotype consists of, with the place where it stands.
struct GenotypeLiteral {
    enum Kind {
        case text(String)
        case number(Int)
        case list([GenotypeLiteral])
    }

    let kind: Kind
    let place: Int
}

/// Takes the text of a genotype apart: `Genotype(name=value, …)` with Python's lists, tuples, strings, whole numbers and
/// `range`. Nothing is evaluated.
struct GenotypeScanner {
    private static let deepest = 4
    private static let longestRange = 1000

    private let bytes: [UInt8]
    private var place = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// The arguments of the one call that the text is; it may be assigned to a name.
    mutating func call() throws(GenotypeError) -> [(name: String, place: Int, value: GenotypeLiteral)] {
        guard bytes.count <= Genotype.longestText else {
            throw error("a text of \(bytes.count) bytes; at most \(Genotype.longestText) are allowed", at: 0)
        }
        var name = try identifier("`Genotype(`")
        if name != "Genotype", take("=") { name = try identifier("`Genotype(`") }
        guard name == "Genotype" else { throw error("expected `Genotype(`, found `\(name.prefix(40))`", at: 0) }
        try expect("(")
        var arguments: [(name: String, place: Int, value: GenotypeLiteral)] = []
        while !take(")") {
            skipSpace()
            let start = place
            let name = try identifier("the name of an argument, or `)`")
            if arguments.contains(where: { $0.name == name }) { throw error("`\(name)` is there twice", at: start) }
            try expect("=")
            arguments.append((name, start, try value(depth: 0)))
            if take(",") { continue }
            try expect(")")
            break
        }
        skipSpace()
        guard place == bytes.count else { throw unexpected("the end") }
        return arguments
    }

    func error(_ problem: String, at place: Int) -> GenotypeError {
        let before = bytes[..<place]
        let lineStart = before.lastIndex(of: 10).map { $0 + 1 } ?? 0
        return GenotypeError(line: before.count { $0 == 10 } + 1, column: place - lineStart + 1, problem: problem)
    }

    private mutating func value(depth: Int) throws(GenotypeError) -> GenotypeLiteral {
        skipSpace()
        let start = place
        guard let byte = bytes.dropFirst(place).first else { throw unexpected("a value") }
        switch byte {
        case UInt8(ascii: "["), UInt8(ascii: "("):
            guard depth < Self.deepest else { throw error("lists deeper than \(Self.deepest)", at: start) }
            place += 1
            let items = try items(until: byte == UInt8(ascii: "[") ? "]" : ")", depth: depth + 1)
            return GenotypeLiteral(kind: .list(items), place: start)
        case UInt8(ascii: "'"), UInt8(ascii: "\""):
            place += 1
            guard let end = bytes[place...].firstIndex(where: { $0 == byte || $0 == 10 || $0 == UInt8(ascii: "\\") }),
                bytes[end] == byte
            else { throw error("a string that does not end, or with a backslash", at: start) }
            defer { place = end + 1 }
            return GenotypeLiteral(kind: .text(String(decoding: bytes[place..<end], as: UTF8.self)), place: start)
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            return GenotypeLiteral(kind: .number(try number()), place: start)
        default:
            guard try identifier("a string, a number, a list or `range(…)`") == "range" else {
                throw error("expected a string, a number, a list or `range(…)`", at: start)
            }
            return GenotypeLiteral(kind: .list(try range(start)), place: start)
        }
    }

    private mutating func items(until end: Character, depth: Int) throws(GenotypeError) -> [GenotypeLiteral] {
        var items: [GenotypeLiteral] = []
        while !take(end) {
            items.append(try value(depth: depth))
            if take(",") { continue }
            try expect(end)
            break
        }
        return items
    }

    /// `range(to)` or `range(from, to)`, after its name.
    private mutating func range(_ start: Int) throws(GenotypeError) -> [GenotypeLiteral] {
        try expect("(")
        let first = try number()
        let second: Int? = try take(",") ? number() : nil
        try expect(")")
        let (lower, upper) = second.map { (first, $0) } ?? (0, first)
        guard upper - lower <= Self.longestRange else {
            throw error("a range of \(upper - lower) numbers; at most \(Self.longestRange) are allowed", at: start)
        }
        return (lower..<max(lower, upper)).map { GenotypeLiteral(kind: .number($0), place: start) }
    }

    private mutating func number() throws(GenotypeError) -> Int {
        skipSpace()
        let digits = bytes[place...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard !digits.isEmpty else { throw unexpected("a number") }
        guard digits.count <= 9 else { throw error("a number of \(digits.count) digits", at: place) }
        place += digits.count
        return digits.reduce(0) { 10 * $0 + Int($1 - UInt8(ascii: "0")) }
    }

    private mutating func identifier(_ expected: String) throws(GenotypeError) -> String {
        skipSpace()
        let letters = bytes[place...].prefix { byte in
            byte == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
        guard !letters.isEmpty else { throw unexpected(expected) }
        place += letters.count
        return String(decoding: letters, as: UTF8.self)
    }

    private mutating func expect(_ character: Character) throws(GenotypeError) {
        if !take(character) { throw unexpected("`\(character)`") }
    }

    private mutating func take(_ character: Character) -> Bool {
        skipSpace()
        guard place < bytes.count, bytes[place] == character.asciiValue else { return false }
        place += 1
        return true
    }

    /// Blanks, line ends and comments.
    private mutating func skipSpace() {
        while place < bytes.count {
            switch bytes[place] {
            case 9, 10, 13, 32: place += 1
            case UInt8(ascii: "#"): place = bytes[place...].firstIndex(of: 10) ?? bytes.count
            default: return
            }
        }
    }

    private func unexpected(_ expected: String) -> GenotypeError {
        let rest = String(decoding: bytes.dropFirst(place).prefix(40), as: UTF8.self)
        let found = rest.first.map { $0.isNewline ? "the end of the line" : "`\($0)`" } ?? "the end"
        return error("expected \(expected), found \(found)", at: place)
    }
}
