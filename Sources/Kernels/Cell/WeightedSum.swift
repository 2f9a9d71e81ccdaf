/// One summand of a weighted sum: a tensor and a coefficient for each of its channels.
public struct WeightedTerm {
    public let tensor: BlockedTensor
    /// (blocks × 8), 32-byte aligned.
    public let coefficients: UnsafePointer<Float>

    public init(_ tensor: BlockedTensor, _ coefficients: UnsafePointer<Float>) {
        self.tensor = tensor
        self.coefficients = coefficients
    }
}

/// Sums of tensors with a coefficient for each channel: what normalises, weights by β and adds into a node in one pass,
/// forward, and what forms gradients by a batch norm's input, backward.
public enum WeightedSum {
    /// target = (accumulate ? target : 0) + constant + Σ coefficient × term, one image, for one to four terms.
    ///
    /// Terms are added in their order by fused multiply-adds, the constant before them.
    ///
    /// - Parameter constants: (blocks × 8); nil for zero.
    public static func compute(
        _ terms: [WeightedTerm], constants: UnsafePointer<Float>? = nil, image: Int, into target: BlockedTensor,
        targetImage: Int, accumulate: Bool
    ) {
        precondition(!terms.isEmpty && terms.count <= 4)
        for term in terms { precondition(term.tensor.sameShape(as: target), "shapes do not fit") }
        switch terms.count {
        case 1: run(InlineArray<1, Lanes>.self, terms, constants, image, target, targetImage, accumulate)
        case 2: run(InlineArray<2, Lanes>.self, terms, constants, image, target, targetImage, accumulate)
        case 3: run(InlineArray<3, Lanes>.self, terms, constants, image, target, targetImage, accumulate)
        default: run(InlineArray<4, Lanes>.self, terms, constants, image, target, targetImage, accumulate)
        }
    }

    private static func run<let N: Int>(
        _: InlineArray<N, Lanes>.Type, _ terms: [WeightedTerm], _ constants: UnsafePointer<Float>?, _ image: Int,
        _ target: BlockedTensor, _ targetImage: Int, _ accumulate: Bool
    ) {
        for block in 0..<target.blocks {
            let constant = constants.map { lanes($0, block) } ?? .zero
            var coefficients = InlineArray<N, Lanes>(repeating: .zero)
            for n in 0..<N { coefficients[n] = lanes(terms[n].coefficients, block) }
            for row in 0..<target.height {
                var sources = InlineArray<N, UnsafeMutablePointer<Lanes>>(
                    repeating: terms[0].tensor.row(image, block, row))
                for n in 0..<N { sources[n] = terms[n].tensor.row(image, block, row) }
                sumRow(
                    sources, coefficients, constant, target.row(targetImage, block, row), target.width, accumulate)
            }
        }
    }

    @inline(__always)
    private static func sumRow<let N: Int>(
        _ sources: InlineArray<N, UnsafeMutablePointer<Lanes>>, _ coefficients: InlineArray<N, Lanes>,
        _ constant: Lanes, _ target: UnsafeMutablePointer<Lanes>, _ width: Int, _ accumulate: Bool
    ) {
        for column in 0..<width {
            var sum = accumulate ? target[column] + constant : constant
            for n in 0..<N { sum.addProduct(coefficients[n], sources[n][column]) }
            target[column] = sum
        }
    }
}

@inline(__always)
func lanes(_ pointer: UnsafePointer<Float>, _ block: Int) -> Lanes {
    UnsafeRawPointer(pointer + block * 8).load(as: Lanes.self)
}

/// Sums over pixels of products with a gradient, for each channel.
public enum ChannelSums {
    /// Adds, for each channel, Σ d to `sums[0]` and Σ d × source to `sums[1 + i]` for each of up to four sources.
    ///
    /// Single precision within a row, `Double` from row to row and image to image.
    ///
    /// - Parameter sums: (1 + sources, blocks × 8).
    public static func accumulate(
        _ d: BlockedTensor, _ sources: [BlockedTensor], image: Int, into sums: UnsafeMutablePointer<Double>
    ) {
        for source in sources { precondition(source.sameShape(as: d), "shapes do not fit") }
        switch sources.count {
        case 0: run(InlineArray<0, Lanes>.self, d, sources, image, sums)
        case 1: run(InlineArray<1, Lanes>.self, d, sources, image, sums)
        case 2: run(InlineArray<2, Lanes>.self, d, sources, image, sums)
        case 3: run(InlineArray<3, Lanes>.self, d, sources, image, sums)
        case 4: run(InlineArray<4, Lanes>.self, d, sources, image, sums)
        default: preconditionFailure("at most four sources")
        }
    }

    private static func run<let N: Int>(
        _: InlineArray<N, Lanes>.Type, _ d: BlockedTensor, _ sources: [BlockedTensor], _ image: Int,
        _ sums: UnsafeMutablePointer<Double>
    ) {
        let channels = d.blocks * 8
        for block in 0..<d.blocks {
            for row in 0..<d.height {
                let gradient = d.row(image, block, row)
                var pointers = InlineArray<N, UnsafeMutablePointer<Lanes>>(repeating: gradient)
                for n in 0..<N { pointers[n] = sources[n].row(image, block, row) }
                var total = Lanes.zero
                var products = InlineArray<N, Lanes>(repeating: .zero)
                for column in 0..<d.width {
                    let value = gradient[column]
                    total += value
                    for n in 0..<N { products[n].addProduct(value, pointers[n][column]) }
                }
                let target = sums + block * 8
                for lane in 0..<8 { target[lane] += Double(total[lane]) }
                for n in 0..<N {
                    for lane in 0..<8 { target[(n + 1) * channels + lane] += Double(products[n][lane]) }
                }
            }
        }
    }
}
