/// How the tensors of a file differ from those that a supernet needs.
public struct SupernetMismatch: Sendable, Equatable, CustomStringConvertible {
    /// A tensor of another shape.
    public struct Difference: Sendable, Equatable {
        /// The public name.
        public var name: String
        /// What the supernet needs.
        public var expected: [Int]
        /// What the file has.
        public var found: [Int]

        /// - Parameters: as the properties.
        public init(name: String, expected: [Int], found: [Int]) {
            self.name = name
            self.expected = expected
            self.found = found
        }
    }

    /// In the supernet's order.
    public var differences: [Difference] = []
    /// Needed but not in the file, in the supernet's order.
    public var missing: [String] = []
    /// In the file, and a weight of a larger supernet's, in name order.
    public var unexpected: [String] = []

    /// An empty one.
    public init() {}

    /// Whether nothing differs.
    public var isEmpty: Bool { differences.isEmpty && missing.isEmpty && unexpected.isEmpty }

    /// The first mismatching name with both shapes, the first missing names, and how many more there are.
    public var description: String {
        var parts: [String] = []
        if let first = differences.first {
            let more = differences.count > 1 ? " (and \(differences.count - 1) more of another shape)" : ""
            parts.append(
                "`\(first.name)` is \(shapeText(first.found)) in the file, \(shapeText(first.expected)) expected\(more)"
            )
        }
        if !missing.isEmpty { parts.append("missing: \(listText(missing))") }
        if !unexpected.isEmpty { parts.append("not part of it: \(listText(unexpected))") }
        return parts.joined(separator: "; ")
    }

    /// Everything that differs, one line each.
    public var lines: [String] {
        differences.map {
            "`\($0.name)` is \(shapeText($0.found)) in the file, \(shapeText($0.expected)) expected"
        } + missing.map { "`\($0)` is missing" } + unexpected.map { "`\($0)` is not part of it" }
    }

    private func shapeText(_ shape: [Int]) -> String { "(\(shape.map(String.init).joined(separator: ", ")))" }

    private func listText(_ names: [String]) -> String {
        let shown = names.prefix(3).map { "`\($0)`" }.joined(separator: ", ")
        return names.count > 3 ? "\(shown) and \(names.count - 3) more" : shown
    }
}
