import Supernet

extension SearchSpace {
    /// An edge's name, for example `3<-1`; the bare number where the cell has no such edge.
    public func edgeName(_ index: Int) -> String {
        edges.indices.contains(index) ? edges[index].name : "\(index)"
    }

    /// An operation's name; the bare number where there is none.
    public func operationName(_ index: Int) -> String {
        operations.indices.contains(index) ? operations[index] : "\(index)"
    }

    /// A cell as quark0/darts writes them, one list a node: `Genotype(cell=[[('skip_connect', 0)], …])`.
    public func genotype(_ choices: [Int]) -> String {
        var nodes: [Int: [String]] = [:]
        for (edge, choice) in zip(edges, choices) {
            nodes[edge.node, default: []].append("('\(operationName(choice))', \(edge.source))")
        }
        let lists = nodes.sorted { $0.key < $1.key }.map { "[" + $0.value.joined(separator: ", ") + "]" }
        return "Genotype(cell=[" + lists.joined(separator: ", ") + "])"
    }
}
