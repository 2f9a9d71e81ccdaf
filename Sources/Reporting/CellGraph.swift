import Supernet

/// A chosen cell as a picture has it: nodes from left to right, and arrows between them.
struct CellGraph {
    /// From one node to a later one, by their places.
    struct Arrow {
        let from: Int
        let to: Int
        /// Empty where an output node takes what a node hands on.
        let label: String
    }

    /// Of the type of cell, for example `normal`.
    let title: String
    /// Names as in a genotype; those of quark0's pictures for inputs and output where there are several types of cells.
    let nodes: [String]
    let arrows: [Arrow]

    /// The cells of a genotype. Edges that the cell does not have are left out, and so are those that are `none`.
    static func all(of genotype: Genotype) -> [CellGraph] {
        genotype.space.cellTypes.map { CellGraph(genotype, $0) }
    }

    private init(_ genotype: Genotype, _ type: SearchSpace.CellType) {
        let hasOutput = genotype.space.cellTypes.count > 1
        let inner = type.nodes
        let inputs = Set(type.edges.map(\.source)).subtracting(inner).sorted()
        let numbers = inputs + inner
        var nodes = numbers.map { "\($0)" }
        if hasOutput {
            for place in inputs.indices { nodes[place] = "c_{k-\(inputs.count - place)}" }
            nodes.append("c_{k}")
        }
        var arrows: [Arrow] = []
        for (edge, operation) in genotype.edges(ofCellType: type) where operation != "none" {
            guard let from = numbers.firstIndex(of: edge.source), let to = numbers.firstIndex(of: edge.node) else {
                continue
            }
            arrows.append(Arrow(from: from, to: to, label: operation))
        }
        if hasOutput {
            arrows += inner.indices.map { Arrow(from: inputs.count + $0, to: numbers.count, label: "") }
        }
        title = type.name
        self.nodes = nodes
        self.arrows = arrows
    }
}
