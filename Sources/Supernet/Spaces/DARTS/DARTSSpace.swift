extension SearchSpace {
    /// Liu, Simonyan, Yang, *DARTS: Differentiable Architecture Search*, ICLR 2019: normal and reduction cells with two
    /// input nodes (0 and 1) and four nodes that keep two input edges each.
    public static let darts = SearchSpace(
        name: "darts",
        operations: [
            "none", "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3",
            "dil_conv_5x5",
        ],
        cellTypes: [dartsCell("normal"), dartsCell("reduce")], defaultCells: 8, keptInputs: 2, excluded: ["none"])

    private static func dartsCell(_ name: String) -> CellType {
        CellType(
            name: name, alphasName: "alphas.\(name)",
            edges: (2..<6).flatMap { node in
                (0..<node).map { Edge(cellType: name, node: node, source: $0) }
            })
    }

    /// The cells, of so many, that halve the size and double the channels.
    static func dartsReductions(cells: Int) -> Set<Int> { [cells / 3, 2 * cells / 3] }
}
