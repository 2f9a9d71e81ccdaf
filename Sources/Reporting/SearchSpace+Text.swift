import Search
import Supernet

extension SearchSpace {
    /// An edge's name, for example `3<-1`; the bare number where the cell has no such edge.
    public func edgeName(_ index: Int) -> String {
        edges.indices.contains(index) ? edges[index].name : "\(index)"
    }

    /// An operation's name, or `left_out`; the bare number where there is none.
    public func operationName(_ index: Int) -> String {
        if index == StrengthTask.leftOut { return "left_out" }
        return operations.indices.contains(index) ? operations[index] : "\(index)"
    }

    /// A cell as quark0/darts writes them. With two types of cells, what its code reads back:
    ///
    ///     Genotype(normal=[('sep_conv_3x3', 0), …], normal_concat=[2, 3, 4, 5], reduce=[…], reduce_concat=[2, 3, 4, 5])
    ///
    /// and in NAS-Bench-201 one list a node: `Genotype(cell=[[('skip_connect', 0)], …])`.
    ///
    /// - Parameters:
    ///   - choices: one operation an edge.
    ///   - kept: whether the cell has the edge.
    public func genotype(_ choices: [Int], kept: [Bool]) -> String {
        let chosen = zip(edges, choices).enumerated().filter { kept[$0.offset] }.map(\.element)
        func list(_ part: [(Edge, Int)]) -> String {
            "[" + part.map { "('\(operationName($0.1))', \($0.0.source))" }.joined(separator: ", ") + "]"
        }
        func nodes(_ part: [(Edge, Int)]) -> [Int] { Set(part.map(\.0.node)).sorted() }
        if cellTypes.count == 1 {
            let lists = nodes(chosen).map { node in list(chosen.filter { $0.0.node == node }) }
            return "Genotype(\(cellTypes[0].name)=[" + lists.joined(separator: ", ") + "])"
        }
        let cells = cellTypes.map { type in
            let part = chosen.filter { $0.0.cellType == type.name }
            return "\(type.name)=\(list(part)), \(type.name)_concat=\(nodes(part))"
        }
        return "Genotype(" + cells.joined(separator: ", ") + ")"
    }
}
