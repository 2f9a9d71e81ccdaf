/// How well two rankings of the same things agree; both are 1 for the same order and −1 for the reverse.
public enum RankCorrelation {
    /// Spearman's ρ: Pearson's correlation of the ranks, equal values sharing the mean of theirs. nil where one of them has
    /// only equal values.
    public static func spearman(_ a: [Double], _ b: [Double]) -> Double? {
        precondition(a.count == b.count, "as many values")
        let (x, y) = (ranks(a), ranks(b))
        let mean = Double(a.count - 1) / 2
        var (xy, xx, yy) = (0.0, 0.0, 0.0)
        for (one, other) in zip(x, y) {
            xy += (one - mean) * (other - mean)
            xx += (one - mean) * (one - mean)
            yy += (other - mean) * (other - mean)
        }
        return xx > 0 && yy > 0 ? xy / (xx * yy).squareRoot() : nil
    }

    /// Kendall's τ_b: pairs in the same order less those in opposite orders, over the geometric mean of the pairs that are
    /// not equal in one and in the other (Kendall, *The treatment of ties in ranking problems*, 1945). nil where one of them
    /// has only equal values. Compares every pair.
    public static func kendall(_ a: [Double], _ b: [Double]) -> Double? {
        precondition(a.count == b.count, "as many values")
        var (difference, inA, inB) = (0, 0, 0)
        for i in a.indices {
            for j in 0..<i {
                let x = a[i] < a[j] ? -1 : a[i] > a[j] ? 1 : 0
                let y = b[i] < b[j] ? -1 : b[i] > b[j] ? 1 : 0
                difference += x * y
                inA += x * x
                inB += y * y
            }
        }
        return inA > 0 && inB > 0 ? Double(difference) / (Double(inA) * Double(inB)).squareRoot() : nil
    }

    /// From 0; equal values share the mean of their ranks.
    static func ranks(_ values: [Double]) -> [Double] {
        let order = values.indices.sorted { values[$0] < values[$1] }
        var ranks = [Double](repeating: 0, count: values.count)
        var start = 0
        while start < order.count {
            var end = start
            while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
            for place in start..<end { ranks[order[place]] = Double(start + end - 1) / 2 }
            start = end
        }
        return ranks
    }
}
