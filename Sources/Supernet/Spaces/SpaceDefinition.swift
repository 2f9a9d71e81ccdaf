/// A search space of DARTS' kind as data: which operations are mixed on which edge, and the skeleton around the cells.
///
/// It comes from a user's file, or with a run's configuration over the network; `space` tells whether it is possible.
public struct SpaceDefinition: Codable, Sendable, Hashable {
    /// One edge of a cell.
    public struct Edge: Codable, Sendable, Hashable {
        /// Where it leads: 2 to 5.
        public var node: Int
        /// Where it comes from: 0 and 1 are the cell's inputs.
        public var source: Int
        /// What is mixed on it, in any order.
        public var operations: [String]

        /// All fields.
        public init(node: Int, source: Int, operations: [String]) {
            self.node = node
            self.source = source
            self.operations = operations
        }
    }

    /// Small letters, digits, `-` and `_`; not that of a space that is built in.
    public var name: String
    /// Cells where a search is given none.
    public var cells: Int
    /// Channels of the stem, in channels of the first cell's nodes.
    public var stemMultiplier: Int
    /// Which cells are reduction cells, rising from 0; nil for those at one and two thirds.
    public var reductions: [Int]?
    /// Input edges that a node keeps; nil for all.
    public var keptInputs: Int?
    /// Operations that are mixed and not chosen.
    public var excluded: [String]
    /// Edges of the cells that keep the size.
    public var normal: [Edge]
    /// Edges of the cells that halve it.
    public var reduce: [Edge]

    /// All fields.
    public init(
        name: String, cells: Int = 8, stemMultiplier: Int = 3, reductions: [Int]? = nil, keptInputs: Int? = 2,
        excluded: [String] = ["none"],
        normal: [Edge], reduce: [Edge]
    ) {
        self.name = name
        self.cells = cells
        self.stemMultiplier = stemMultiplier
        self.reductions = reductions
        self.keptInputs = keptInputs
        self.excluded = excluded
        self.normal = normal
        self.reduce = reduce
    }

    /// Every edge between the nodes of a DARTS cell, with operations by its place in their order, (2, 0) first.
    static func edges(_ operations: (_ place: Int) -> [String]) -> [Edge] {
        let pairs = (2..<6).flatMap { node in (0..<node).map { (node, $0) } }
        return pairs.enumerated().map { Edge(node: $1.0, source: $1.1, operations: operations($0)) }
    }
}

extension SpaceDefinition {
    /// What a fault is about.
    public enum Place: Sendable, Hashable {
        case name, cells, stemMultiplier, reductions, keptInputs, excluded
        /// A type of cell, `normal` or `reduce`.
        case cellType(String)
        /// One of its edges, by its place in the definition.
        case edge(String, Int)
    }

    /// All operations that can be mixed, in the order of the alphas' columns.
    public static let knownOperations = [
        "none", "noise", "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3",
        "dil_conv_5x5",
    ]

    /// Halvings of an image's size.
    static let mostReductions = 5

    /// The largest number of a node: what the cells' memory is made for.
    static let lastNode = 5

    /// The first thing that is impossible, and what is allowed.
    public var fault: (place: Place, problem: String)? {
        let isName = name.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || byte == UInt8(ascii: "-")
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
        }
        guard isName, (1...40).contains(name.utf8.count) else {
            return (.name, "a name has 1 to 40 small letters, digits, '-' and '_'")
        }
        guard (3...1000).contains(cells) else {
            return (.cells, "\(cells) cells are impossible; 3 to 1000 are allowed")
        }
        guard (1...16).contains(stemMultiplier) else {
            return (.stemMultiplier, "a stem multiplier of \(stemMultiplier) is impossible; 1 to 16 are allowed")
        }
        if let reductions {
            guard (1...Self.mostReductions).contains(reductions.count), Set(reductions).count == reductions.count,
                reductions == reductions.sorted()
            else {
                return (
                    .reductions, "1 to \(Self.mostReductions) cells can be reduction cells, each once, in rising order"
                )
            }
            if let wrong = reductions.first(where: { !(0..<cells).contains($0) }) {
                return (.reductions, "no cell \(wrong): \(cells) cells are counted from 0 to \(cells - 1)")
            }
        }
        if let keptInputs, !(1...Self.lastNode).contains(keptInputs) {
            return (.keptInputs, "a node cannot keep \(keptInputs) edges; 1 to \(Self.lastNode) are allowed, or all")
        }
        if let name = excluded.first(where: { !Self.knownOperations.contains($0) }) {
            return (.excluded, unknown(name))
        }
        return fault("normal", normal) ?? fault("reduce", reduce)
    }

    private func fault(_ type: String, _ edges: [Edge]) -> (place: Place, problem: String)? {
        for (place, edge) in edges.enumerated() {
            func wrong(_ problem: String) -> (place: Place, problem: String) { (.edge(type, place), problem) }
            guard (2...Self.lastNode).contains(edge.node), (0..<edge.node).contains(edge.source) else {
                return wrong(
                    "no edge \(edge.node)<-\(edge.source): edges lead to nodes 2 to \(Self.lastNode), from nodes before them"
                )
            }
            if edges[..<place].contains(where: { $0.node == edge.node && $0.source == edge.source }) {
                return wrong("the edge \(edge.node)<-\(edge.source) is there twice")
            }
            if let name = edge.operations.first(where: { !Self.knownOperations.contains($0) }) {
                return wrong(unknown(name))
            }
            if Set(edge.operations).count != edge.operations.count { return wrong("an operation is there twice") }
            guard edge.operations.contains(where: { !excluded.contains($0) }) else {
                return wrong("no operation of the edge \(edge.node)<-\(edge.source) may be chosen")
            }
        }
        let nodes = Set(edges.map(\.node))
        guard let last = nodes.max(), nodes == Set(2...last) else {
            return (.cellType(type), "every node from 2 to the last one needs an edge")
        }
        guard Set(edges.map(\.source)).isSuperset(of: [0, 1]) else {
            return (.cellType(type), "both inputs, the nodes 0 and 1, need an edge that comes from them")
        }
        return nil
    }

    private func unknown(_ operation: String) -> String {
        "unknown operation '\(operation.prefix(40))'; there is: \(Self.knownOperations.joined(separator: ", "))"
    }

    /// The space that is defined.
    /// - Throws: `SupernetError.shape` with its first fault.
    public func space() throws(SupernetError) -> SearchSpace {
        if let fault { throw .shape("search space '\(name)': \(fault.problem)") }
        return made()
    }

    /// - Precondition: it has no fault.
    func made() -> SearchSpace {
        let used = Set((normal + reduce).flatMap(\.operations))
        let operations = Self.knownOperations.filter(used.contains)
        let cells = [("normal", normal), ("reduce", reduce)].map { name, edges in
            (name, edges.sorted { ($0.node, $0.source) < ($1.node, $1.source) })
        }
        return SearchSpace(
            name: name, operations: operations,
            cellTypes: cells.map { name, edges in
                SearchSpace.CellType(
                    name: name, alphasName: "alphas.\(name)",
                    edges: edges.map { SearchSpace.Edge(cellType: name, node: $0.node, source: $0.source) })
            }, defaultCells: self.cells, keptInputs: keptInputs, excluded: excluded,
            operationsOfEdge: cells.flatMap { _, edges in
                edges.map { edge in operations.indices.filter { edge.operations.contains(operations[$0]) } }
            }, skeleton: .darts(stemMultiplier: stemMultiplier, reductions: reductions))
    }
}
