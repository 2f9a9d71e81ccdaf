/// Names of a cell's edges and operations, in the order of its alphas.
public struct SpaceNames: Sendable {
    /// One an edge: the node it enters and the node it leaves.
    public let edges: [(target: Int, source: Int)]
    /// One an operation.
    public let operations: [String]

    public init(edges: [(target: Int, source: Int)], operations: [String]) {
        self.edges = edges
        self.operations = operations
    }

    /// `3<-1`, as in the public weights' names; the bare number where the cell has no such edge.
    public func edge(_ index: Int) -> String {
        edges.indices.contains(index) ? "\(edges[index].target)<-\(edges[index].source)" : "\(index)"
    }

    /// The operation's name; the bare number where there is none.
    public func operation(_ index: Int) -> String {
        operations.indices.contains(index) ? operations[index] : "\(index)"
    }
}

extension SpaceNames {
    /// A cell as quark0/darts writes them, one list a node: `Genotype(cell=[[('skip_connect', 0)], …])`.
    public func genotype(_ choices: [Int]) -> String {
        var nodes: [Int: [String]] = [:]
        for (edge, choice) in zip(edges, choices) {
            nodes[edge.target, default: []].append("('\(operation(choice))', \(edge.source))")
        }
        let lists = nodes.sorted { $0.key < $1.key }.map { "[" + $0.value.joined(separator: ", ") + "]" }
        return "Genotype(cell=[" + lists.joined(separator: ", ") + "])"
    }
}
