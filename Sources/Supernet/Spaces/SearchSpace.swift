/// A search space as a value: what may stand on which edge of a cell.
public struct SearchSpace: Sendable, Equatable {
    /// From `source` to `node`; node 0 is the cell's input.
    public struct Edge: Sendable, Equatable {
        public let node: Int
        public let source: Int

        /// As the public code of the space names it, for example `3<-1`.
        public var name: String { "\(node)<-\(source)" }
    }

    public let name: String
    /// Candidate operations in the order of the alphas' columns.
    public let operations: [String]
    /// In the order of the alphas' rows.
    public let edges: [Edge]
    /// The alphas' name in files of weights.
    public let alphasName: String
    /// Cells where the user gives none: per stage in NAS-Bench-201.
    public let defaultCells: Int

    /// All spaces that this version has.
    public static let all: [SearchSpace] = [.nasbench201]

    /// - Throws: `SupernetError.shape` for an unknown name, with the names there are.
    public static func named(_ name: String) throws(SupernetError) -> SearchSpace {
        guard let space = all.first(where: { $0.name == name }) else {
            let known = all.map(\.name).joined(separator: ", ")
            throw .shape("unknown search space '\(name)'; there is: \(known)")
        }
        return space
    }

    /// Dong, Yang, *NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search*, ICLR 2020.
    public static let nasbench201 = SearchSpace(
        name: "nasbench201",
        operations: ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"],
        edges: [
            Edge(node: 1, source: 0), Edge(node: 2, source: 0), Edge(node: 2, source: 1), Edge(node: 3, source: 0),
            Edge(node: 3, source: 1), Edge(node: 3, source: 2),
        ],
        alphasName: "alphas.arch", defaultCells: 5)
}
