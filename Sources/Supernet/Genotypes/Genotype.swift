/// A chosen cell of each type of a search space: one operation on every edge that it has.
public struct Genotype: Sendable, Equatable {
    /// Whose edges and operations these are.
    public let space: SearchSpace
    /// By edge of the space: its operation, or nil where the cell does not have the edge.
    public let operations: [Int?]

    /// - Parameters:
    ///   - operations: one an edge.
    ///   - kept: whether the cell has the edge.
    /// - Precondition: the space has so many edges, and these operations.
    public init(space: SearchSpace, operations: [Int], kept: [Bool]) {
        self.init(space: space, operations: zip(operations, kept).map { $1 ? $0 : nil })
    }

    init(space: SearchSpace, operations: [Int?]) {
        precondition(operations.count == space.edges.count, "one operation an edge")
        precondition(operations.allSatisfy { $0.map(space.operations.indices.contains) ?? true }, "no such operation")
        self.space = space
        self.operations = operations
    }

    /// The edges that the cell of one type has, with their operations' names, in the space's order.
    public func edges(ofCellType type: SearchSpace.CellType) -> [(edge: SearchSpace.Edge, operation: String)] {
        zip(space.edges, operations).compactMap { edge, operation in
            guard edge.cellType == type.edges[0].cellType, let operation else { return nil }
            return (edge, space.operations[operation])
        }
    }
}

extension Genotype: CustomStringConvertible {
    /// As quark0/darts writes it. With several types of cells, what its code reads back:
    ///
    ///     Genotype(normal=[('sep_conv_3x3', 0), …], normal_concat=[2, 3, 4, 5], reduce=[…], reduce_concat=[2, 3, 4, 5])
    ///
    /// and with one, as in NAS-Bench-201, one list a node: `Genotype(cell=[[('skip_connect', 0)], …])`.
    public var description: String {
        func list(_ part: [(edge: SearchSpace.Edge, operation: String)]) -> String {
            "[" + part.map { "('\($0.operation)', \($0.edge.source))" }.joined(separator: ", ") + "]"
        }
        let cells = space.cellTypes.map { type in
            let part = edges(ofCellType: type)
            let nodes = type.nodes
            if space.cellTypes.count == 1 {
                let lists = nodes.map { node in list(part.filter { $0.edge.node == node }) }
                return "\(type.name)=[\(lists.joined(separator: ", "))]"
            }
            return "\(type.name)=\(list(part)), \(type.name)_concat=\(nodes)"
        }
        return "Genotype(\(cells.joined(separator: ", ")))"
    }
}

extension SearchSpace.CellType {
    /// Nodes that are sums over edges, rising.
    public var nodes: [Int] { Set(edges.map(\.node)).sorted() }
}
