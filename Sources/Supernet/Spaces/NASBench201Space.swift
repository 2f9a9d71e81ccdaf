extension SearchSpace {
    /// Dong, Yang, *NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search*, ICLR 2020: one cell
    /// with one input node (0); every node keeps all of its input edges.
    public static let nasbench201 = SearchSpace(
        name: "nasbench201",
        operations: ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"],
        cellTypes: [
            CellType(
                name: "cell", alphasName: "alphas.arch",
                edges: (1..<4).flatMap { node in
                    (0..<node).map { Edge(cellType: "", node: node, source: $0) }
                })
        ], defaultCells: 5, keptInputs: nil, excluded: [],
        operationsOfEdge: Array(repeating: Array(0..<5), count: 6), skeleton: .nasbench201)
}
