import Supernet

/// One of the 15,625 cells of NAS-Bench-201: an operation for each of the six edges.
///
/// Its text form is the benchmark's: `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`, nodes joined by `+`, and for each edge into
/// a node the operation and the node that it comes from.
public struct Architecture: Sendable, Hashable, CustomStringConvertible {
    /// One a edge, in the order of the space's edges (1<-0, 2<-0, 2<-1, 3<-0, 3<-1, 3<-2): places in the space's list of
    /// operations (none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3).
    public let operations: [Int]

    private static let space = SearchSpace.nasbench201

    /// - Parameter operations: one for each edge; nil for another number of them, or one that there is not.
    public init?(operations: [Int]) {
        guard operations.count == Self.space.edges.count,
            operations.allSatisfy(Self.space.operations.indices.contains)
        else { return nil }
        self.operations = operations
    }

    /// Reads the text form, strictly.
    /// - Throws: `ArchitectureError` with the place of the first fault.
    public init(parsing text: String) throws(ArchitectureError) {
        var scanner = ArchitectureScanner(text)
        var operations: [Int] = []
        var node = 0
        for edge in Self.space.edges {
            if edge.node != node {
                if node > 0 { try scanner.take("+") }
                try scanner.take("|")
                node = edge.node
            }
            operations.append(try scanner.takeOne(of: Self.space.operations))
            try scanner.take("~")
            try scanner.take("\(edge.source)")
            try scanner.take("|")
        }
        try scanner.takeEnd()
        self.operations = operations
    }

    /// The text form.
    public var description: String {
        var text = ""
        var node = 0
        for (edge, operation) in zip(Self.space.edges, operations) {
            if edge.node != node {
                text += node > 0 ? "+|" : "|"
                node = edge.node
            }
            text += "\(Self.space.operations[operation])~\(edge.source)|"
        }
        return text
    }

    /// The operations as a number in base 5, first edge first.
    var code: Int { operations.reduce(0) { Self.space.operations.count * $0 + $1 } }

    /// - Precondition: `code` is in 0 ..< 15,625.
    init(code: Int) {
        let base = Self.space.operations.count
        var rest = code
        var operations: [Int] = []
        for _ in Self.space.edges {
            operations.append(rest % base)
            rest /= base
        }
        precondition(code >= 0 && rest == 0)
        self.operations = operations.reversed()
    }
}

/// Why a text is not an architecture.
public struct ArchitectureError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The text that was read.
    public let text: String
    /// Characters before the fault.
    public let position: Int
    /// What would be right there, for example the list of operations.
    public let expected: String
    /// What is there instead.
    public let found: String

    /// One line that names place, expected and found, and shows the whole form.
    public var description: String {
        "'\(text)' is not an architecture of NAS-Bench-201: at character \(position + 1) expected \(expected), found \(found); "
            + "the form is |op~0|+|op~0|op~1|+|op~0|op~1|op~2|"
    }
}

/// Takes an architecture's text apart.
private struct ArchitectureScanner {
    private let text: String
    private var rest: Substring

    init(_ text: String) {
        self.text = text
        rest = text[...]
    }

    mutating func take(_ token: String) throws(ArchitectureError) {
        guard rest.hasPrefix(token) else { throw fault("'\(token)'") }
        rest = rest.dropFirst(token.count)
    }

    mutating func takeOne(of names: [String]) throws(ArchitectureError) -> Int {
        let name = rest.prefix { !"~|+".contains($0) }
        guard let index = names.firstIndex(where: { $0 == name }) else {
            throw fault("one of \(names.joined(separator: ", "))", found: name)
        }
        rest = rest.dropFirst(name.count)
        return index
    }

    func takeEnd() throws(ArchitectureError) {
        if !rest.isEmpty { throw fault("the end", found: rest) }
    }

    private func fault(_ expected: String, found: Substring? = nil) -> ArchitectureError {
        let found = (found ?? rest.prefix(1)).prefix(40)
        let shown = found.isEmpty ? (rest.isEmpty ? "the end" : "'\(rest.prefix(1))'") : "'\(found)'"
        return ArchitectureError(
            text: text, position: text.count - rest.count, expected: expected, found: shown)
    }
}
