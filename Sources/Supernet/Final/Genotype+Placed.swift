extension Genotype {
    /// An operation of a chosen cell, and where it stands.
    struct PlacedOperation {
        let node: Int
        let source: Int
        let operation: String
    }

    /// The operations of the cell of one type, in the order in which the text form has them.
    func placed(ofCellType type: Int) -> [PlacedOperation] {
        edges(ofCellType: space.cellTypes[type]).map { edge, operation in
            PlacedOperation(node: edge.node, source: edge.source, operation: operation)
        }
    }
}
