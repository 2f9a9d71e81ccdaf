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
}
