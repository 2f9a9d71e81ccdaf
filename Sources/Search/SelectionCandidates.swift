import Supernet

/// What a selection chooses from: operations for every edge, and edges for every node that keeps only some.
public struct SelectionCandidates: Sendable, Equatable {
    /// By edge: operations, rising, at least one.
    public var operations: [[Int]]
    /// Edges into one node, for every node that has more of them than it keeps.
    public var competing: [[Int]]
    /// How many of them it keeps.
    public var kept: Int

    /// Every operation for every edge, and all edges are kept.
    public init(edges: Int, operations count: Int) {
        operations = Array(repeating: Array(0..<count), count: edges)
        competing = []
        kept = 0
    }

    /// Those of a search space.
    ///
    /// - Parameter withoutNone: `none` is no candidate, unless an edge has no other.
    public init(_ space: SearchSpace, withoutNone: Bool = false) {
        operations = space.candidates.map { candidates in
            let others = candidates.filter { space.operations[$0] != "none" }
            return withoutNone && !others.isEmpty ? others : candidates
        }
        competing = space.competingEdges
        kept = space.keptInputs ?? 0
    }

    /// The candidate with the largest score (ties: lower index), for every edge.
    ///
    /// - Parameter scores: (edges, operations), for example β.
    func largest(_ scores: [[Float]]) -> [Int] {
        zip(scores, operations).map { row, candidates in
            candidates.dropFirst().reduce(candidates[0]) { row[$1] > row[$0] ? $1 : $0 }
        }
    }

    /// Whether each edge is among those of its node whose candidates have the largest score (ties: lower index).
    func largestKept(_ scores: [[Float]]) -> [Bool] {
        let largest = zip(scores, largest(scores)).map { $0[$1] }
        var kept = Array(repeating: true, count: scores.count)
        for edges in competing {
            let order = edges.sorted { largest[$0] != largest[$1] ? largest[$0] > largest[$1] : $0 < $1 }
            for edge in order.dropFirst(self.kept) { kept[edge] = false }
        }
        return kept
    }
}
