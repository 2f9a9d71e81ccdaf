extension SupernetShape {
    /// Which cells of a DARTS-like space are reduction cells.
    ///
    /// - Throws: `SupernetError.shape` when cells or image size do not allow for them.
    func reductions(of space: SearchSpace) throws(SupernetError) -> Set<Int> {
        let reductions = space.reductions(cells: cells)
        guard cells >= 3 else {
            throw .shape(
                "cells: \(cells) is impossible in \(space.name): with fewer than 3 there is no normal cell")
        }
        if let last = reductions.max(), last >= cells {
            throw .shape("cells: \(cells) is impossible in \(space.name): cell \(last) is a reduction cell")
        }
        guard reductions.count < cells else {
            throw .shape("cells: \(cells) is impossible in \(space.name): there is no normal cell")
        }
        let divisor = 1 << reductions.count
        guard imageSize % divisor == 0 else {
            throw .shape(
                "image size \(imageSize) is impossible in \(space.name): it is halved \(reductions.count) times, so it "
                    + "must be a multiple of \(divisor)")
        }
        return reductions
    }
}
