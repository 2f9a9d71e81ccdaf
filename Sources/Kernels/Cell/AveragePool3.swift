/// Average pooling 3×3 with stride 1 and padding 1, which does not count (PyTorch's `count_include_pad=False`), of sums
/// of tensors.
///
/// Pooling is linear, so a sum of pooled tensors is the pooled sum of the tensors: one pooling for all edges of a node,
/// and nothing pooled is ever stored beyond one block of one image.
///
/// A box is (above + middle) + below of row sums, and these are (left + middle) + right of u = 0 + Σ coefficient × term.
/// - forward: row sums are multiplied by one over their columns, then boxes by one over their rows.
/// - adjoint: u is multiplied by (one over the rows × one over the columns) of its own pixel's box.
public struct AveragePool3 {
    enum Direction {
        case forward
        case adjoint
    }

    /// Three rows of row sums, then one plane.
    private let rows: UnsafeMutablePointer<Lanes>
    private let height: Int
    private let width: Int
    /// One over the pixels of a box along a side, at its ends and between them.
    private let rowFactors: (edge: Float, inner: Float)
    private let columnFactors: (edge: Float, inner: Float)

    /// For planes of this size.
    public init(height: Int, width: Int, arena: Arena) {
        precondition(height > 0 && width > 0)
        let floats = arena.floats((height + 3) * width * 8)
        rows = UnsafeMutableRawPointer(floats).assumingMemoryBound(to: Lanes.self)
        (self.height, self.width) = (height, width)
        rowFactors = (1 / Float(min(height, 2)), 1 / 3)
        columnFactors = (1 / Float(min(width, 2)), 1 / 3)
    }

    /// The plane that `pool` fills.
    var plane: UnsafePointer<Lanes> { UnsafePointer(rows + 3 * width) }

    func fits(_ tensor: BlockedTensor) -> Bool { height == tensor.height && width == tensor.width }

    /// Pools one block of one image of the terms, at most three, into `plane`.
    @inline(never)
    func pool(_ terms: borrowing WeightedTerms, _ direction: Direction, image: Int, block: Int) {
        switch (terms.count, direction) {
        case (1, .forward): pool(TermPlanes<1>(terms, image: image, block: block, placeholder: plane), .forward)
        case (2, .forward): pool(TermPlanes<2>(terms, image: image, block: block, placeholder: plane), .forward)
        case (3, .forward): pool(TermPlanes<3>(terms, image: image, block: block, placeholder: plane), .forward)
        case (1, .adjoint): pool(TermPlanes<1>(terms, image: image, block: block, placeholder: plane), .adjoint)
        case (2, .adjoint): pool(TermPlanes<2>(terms, image: image, block: block, placeholder: plane), .adjoint)
        case (3, .adjoint): pool(TermPlanes<3>(terms, image: image, block: block, placeholder: plane), .adjoint)
        default: preconditionFailure("one to three pooled terms")
        }
    }

    @inline(__always)
    private func pool<let N: Int>(_ planes: TermPlanes<N>, _ direction: Direction) {
        for row in 0..<height {
            sumRow(planes, direction, row)
            if row > 0 { addRows(direction, row - 1) }
        }
        addRows(direction, height - 1)
    }

    private func isEdge(_ row: Int) -> Bool { row == 0 || row == height - 1 }

    /// The row sums of a row.
    @inline(__always)
    private func sumRow<let N: Int>(_ planes: TermPlanes<N>, _ direction: Direction, _ row: Int) {
        let target = rows + row % 3 * width
        let start = row * width
        let rowFactor = isEdge(row) ? rowFactors.edge : rowFactors.inner
        let edge = Lanes(repeating: direction == .adjoint ? rowFactor * columnFactors.edge : columnFactors.edge)
        let inner = Lanes(repeating: direction == .adjoint ? rowFactor * columnFactors.inner : columnFactors.inner)
        @inline(__always)
        func u(_ column: Int, _ factor: Lanes) -> Lanes {
            let sum = planes.sum(start + column, from: .zero)
            return direction == .adjoint ? sum * factor : sum
        }
        @inline(__always)
        func store(_ sum: Lanes, _ column: Int, _ factor: Lanes) {
            target[column] = direction == .forward ? sum * factor : sum
        }
        let last = width - 1
        var left = u(0, edge)
        if last == 0 { return store(left, 0, edge) }
        var middle = u(1, last > 1 ? inner : edge)
        store(left + middle, 0, edge)
        for column in 1..<max(last, 1) {
            let right = u(column + 1, column + 1 < last ? inner : edge)
            store((left + middle) + right, column, inner)
            (left, middle) = (middle, right)
        }
        store(left + middle, last, edge)
    }

    /// A row of boxes, from the row sums around it.
    @inline(__always)
    private func addRows(_ direction: Direction, _ row: Int) {
        let target = rows + (3 + row) * width
        let middle = rows + row % 3 * width
        let above = rows + (row + 2) % 3 * width
        let below = rows + (row + 1) % 3 * width
        let factor = Lanes(repeating: isEdge(row) ? rowFactors.edge : rowFactors.inner)
        @inline(__always)
        func store(_ sum: Lanes, _ column: Int) { target[column] = direction == .forward ? sum * factor : sum }
        if height == 1 {
            for column in 0..<width { store(middle[column], column) }
        } else if row == 0 {
            for column in 0..<width { store(middle[column] + below[column], column) }
        } else if row == height - 1 {
            for column in 0..<width { store(above[column] + middle[column], column) }
        } else {
            for column in 0..<width { store((above[column] + middle[column]) + below[column], column) }
        }
    }
}
