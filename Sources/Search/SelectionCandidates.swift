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
    public init(_ space: SearchSpace) {
        operations = space.candidates
        competing = space.competingEdges
        kept = space.keptInputs ?? 0
    }

    /// The candidate with the largest β (ties: lower index), for every edge.
    func magnitudeOperations(_ betas: [[Float]]) -> [Int] {
        zip(betas, operations).map { row, candidates in
            candidates.dropFirst().reduce(candidates[0]) { row[$1] > row[$0] ? $1 : $0 }
        }
    }

    /// Whether each edge is among those of its node whose candidates have the largest β (ties: lower index).
    func magnitudeKept(_ betas: [[Float]]) -> [Bool] {
        let largest = zip(betas, magnitudeOperations(betas)).map { $0[$1] }
        var kept = Array(repeating: true, count: betas.count)
        for edges in competing {
            let order = edges.sorted { largest[$0] != largest[$1] ? largest[$0] > largest[$1] : $0 < $1 }
            for edge in order.dropFirst(self.kept) { kept[edge] = false }
        }
        return kept
    }
}
