/// By how much a computed tensor may differ from the one expected.
public struct Tolerance: Sendable, Hashable {
    public var absolute: Double
    /// Added to the absolute one, times the largest magnitude that the tensor expected has.
    public var ofLargest: Double
    /// Added too, times the magnitude of the element.
    public var ofElement: Double

    public init(absolute: Double = 0, ofLargest: Double = 0, ofElement: Double = 0) {
        self.absolute = absolute
        self.ofLargest = ofLargest
        self.ofElement = ofElement
    }

    public func times(_ factor: Double) -> Tolerance {
        Tolerance(absolute: factor * absolute, ofLargest: factor * ofLargest, ofElement: factor * ofElement)
    }
}

/// How two tensors differ, by how much and where; nil when all elements are within the tolerance.
///
/// - Parameters:
///   - name: what the message begins with.
///   - shape: for the place of an element; nil for a flat tensor.
public func difference(
    _ name: String, _ actual: [Float], _ expected: [Float], shape: [Int]? = nil, within tolerance: Tolerance
) -> String? {
    guard actual.count == expected.count else {
        return "\(name): \(actual.count) elements, expected \(expected.count)"
    }
    let largest = expected.reduce(0) { max($0, abs(Double($1))) }
    var beyond = 0
    var worst: (index: Int, share: Double) = (0, -1)
    for i in expected.indices {
        let error = abs(Double(actual[i]) - Double(expected[i]))
        let allowed =
            tolerance.absolute + tolerance.ofLargest * largest + tolerance.ofElement * abs(Double(expected[i]))
        // Not `error > allowed`: a NaN is beyond every tolerance.
        if error <= allowed { continue }
        beyond += 1
        let share = error.isNaN ? .infinity : error / allowed
        if share > worst.share { worst = (i, share) }
    }
    guard beyond > 0 else { return nil }
    let place = position(of: worst.index, in: shape ?? [expected.count])
    return
        "\(name): \(beyond) of \(expected.count) elements differ; most at \(place): \(actual[worst.index]), expected "
        + "\(expected[worst.index]), \(worst.share) times the tolerance (largest element \(largest))"
}

private func position(of index: Int, in shape: [Int]) -> [Int] {
    var rest = index
    var result: [Int] = []
    for size in shape.reversed() where size > 0 {
        result.insert(rest % size, at: 0)
        rest /= size
    }
    return result
}
