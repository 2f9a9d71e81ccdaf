/// A search space as a value: what may stand on which edge of which cell.
public struct SearchSpace: Sendable, Equatable {
    /// From `source` to `node` in a cell; the first nodes are the cell's inputs.
    public struct Edge: Sendable, Equatable {
        /// Empty where a space has one type of cell alone.
        public let cellType: String
        /// Where the edge leads to.
        public let node: Int
        /// Where it comes from; below `node`.
        public let source: Int

        /// For example `3<-1`, or `normal.3<-1` where there are several types of cells.
        public var name: String { (cellType.isEmpty ? "" : cellType + ".") + "\(node)<-\(source)" }
    }

    /// A cell that is searched; all cells of one type share their alphas.
    public struct CellType: Sendable, Equatable {
        /// As in a genotype, for example `normal`.
        public let name: String
        /// The alphas' name in files of weights.
        public let alphasName: String
        /// In the order of the alphas' rows.
        public let edges: [Edge]
    }

    /// As `--space` takes it.
    public let name: String
    /// Candidate operations in the order of the alphas' columns.
    public let operations: [String]
    /// One in NAS-Bench-201, normal and reduction cells in DARTS.
    public let cellTypes: [CellType]
    /// Cells where the user gives none: per stage in NAS-Bench-201, in all in DARTS.
    public let defaultCells: Int
    /// How many input edges a node keeps in the chosen cell; nil where it keeps all.
    public let keptInputs: Int?
    /// Operations that are mixed but not chosen.
    public let excluded: [String]

    /// The edges of all types of cells, one after the other: the rows of strengths, alphas and decisions.
    public let edges: [Edge]
    /// By edge: the operations that are mixed on it, rising. The alphas have a column for each operation of the space; what
    /// stands in those of operations that an edge does not have is never looked at.
    public let operationsOfEdge: [[Int]]
    /// What surrounds the cells.
    public let skeleton: Skeleton

    /// The network that cells are part of.
    public enum Skeleton: Sendable, Hashable {
        case nasbench201
        /// With so many times the channels in the stem, and reduction cells at these places, rising; nil: at one and two thirds.
        case darts(stemMultiplier: Int, reductions: [Int]?)
    }

    init(
        name: String, operations: [String], cellTypes: [CellType], defaultCells: Int, keptInputs: Int?,
        excluded: [String], operationsOfEdge: [[Int]], skeleton: Skeleton
    ) {
        self.name = name
        self.operations = operations
        self.cellTypes = cellTypes
        self.defaultCells = defaultCells
        self.keptInputs = keptInputs
        self.excluded = excluded
        edges = cellTypes.flatMap(\.edges)
        self.operationsOfEdge = operationsOfEdge
        self.skeleton = skeleton
        precondition(operationsOfEdge.count == edges.count, "operations of each edge")
    }

    /// The operations among which each edge's is chosen, by edge.
    public var candidates: [[Int]] {
        operationsOfEdge.map { $0.filter { !excluded.contains(operations[$0]) } }
    }

    /// The edges into one node that keeps only some of them, by their rows.
    public var competingEdges: [[Int]] {
        guard let keptInputs else { return [] }
        var nodes: [[Int]] = []
        for (row, edge) in edges.enumerated() {
            if let last = nodes.last?.last, edges[last].node == edge.node, edges[last].cellType == edge.cellType {
                nodes[nodes.count - 1].append(row)
            } else {
                nodes.append([row])
            }
        }
        return nodes.filter { $0.count > keptInputs }
    }

    /// The cells, of so many, that halve the size and double the channels; none in NAS-Bench-201, which has blocks for it.
    public func reductions(cells: Int) -> Set<Int> {
        switch skeleton {
        case .nasbench201: []
        case .darts(_, let places): Set(places ?? [cells / 3, 2 * cells / 3])
        }
    }

    /// A type's edges with their rows among all edges.
    func rows(ofCellType type: Int) -> [(row: Int, edge: Edge)] {
        let first = cellTypes[..<type].reduce(0) { $0 + $1.edges.count }
        return cellTypes[type].edges.enumerated().map { (first + $0.offset, $0.element) }
    }

    /// Names and shapes of the alphas, as in the public state dict: one tensor a type of cell, (edges, operations).
    public var alphaDirectory: ParameterDirectory {
        var directory = ParameterDirectory()
        for type in cellTypes { directory.append(type.alphasName, [type.edges.count, operations.count], .constant(0)) }
        return directory
    }

    /// All spaces that are built in.
    public static let all: [SearchSpace] = [.nasbench201, .darts, .s1, .s2, .s3, .s4]

    /// - Throws: `SupernetError.shape` for an unknown name, with the names there are.
    public static func named(_ name: String) throws(SupernetError) -> SearchSpace {
        guard let space = all.first(where: { $0.name == name }) else {
            let known = all.map(\.name).joined(separator: ", ")
            throw .shape("unknown search space '\(name)'; there is: \(known)")
        }
        return space
    }

    /// The space of a supernet: the one that its shape defines, or else the one that it names.
    ///
    /// - Throws: `SupernetError.shape` for an unknown name or an impossible definition.
    public static func of(_ shape: SupernetShape) throws(SupernetError) -> SearchSpace {
        guard let definition = shape.definition else { return try named(shape.space) }
        guard definition.name == shape.space, !all.contains(where: { $0.name == shape.space }) else {
            throw .shape("the definition of a space '\(definition.name)' cannot be that of the space '\(shape.space)'")
        }
        return try definition.space()
    }
}
