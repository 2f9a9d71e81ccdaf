/// Up to nine tensors of one shape, each with a coefficient for each of its channels: the terms of a sum, in order,
/// without heap memory.
public struct WeightedTerms {
    /// The most terms of a sum.
    public static let capacity = 9

    private typealias Pointers = InlineArray<9, UnsafePointer<Float>?>

    private var tensors = Pointers(repeating: nil)
    private var coefficients = Pointers(repeating: nil)
    private var first: BlockedTensor?
    /// Terms so far.
    public private(set) var count = 0

    /// No terms.
    public init() {}

    /// One term; as `append` takes it.
    public init(_ tensor: BlockedTensor, _ coefficients: UnsafePointer<Float>) {
        append(tensor, coefficients)
    }

    /// - Parameters:
    ///   - tensor: without padding.
    ///   - coefficients: (blocks × 8), 32-byte aligned.
    public mutating func append(_ tensor: BlockedTensor, _ coefficients: UnsafePointer<Float>) {
        precondition(count < Self.capacity, "too many terms")
        precondition(tensor.padding == 0, "a term has no padding")
        precondition(first?.sameShape(as: tensor) ?? true, "terms of different shapes")
        if first == nil { first = tensor }
        tensors[count] = UnsafePointer(tensor.base)
        self.coefficients[count] = coefficients
        count += 1
    }

    /// Whether a target can take the sum: always if there are no terms.
    func fits(_ target: BlockedTensor) -> Bool { first?.sameShape(as: target) ?? true }

    /// Pixels and coefficients of one block of one image.
    @inline(__always)
    fileprivate func term(_ index: Int, _ image: Int, _ block: Int) -> (pixels: UnsafePointer<Lanes>, Lanes) {
        guard let first, let base = tensors[index], let values = coefficients[index] else {
            preconditionFailure("no such term")
        }
        let pixels = UnsafeRawPointer(base + image * first.imagePitch + block * first.planePitch)
        return (pixels.assumingMemoryBound(to: Lanes.self), lanes(values, block))
    }
}

/// One block of one image of the first N terms; pixels are numbered row by row.
struct TermPlanes<let N: Int> {
    private var pixels: InlineArray<N, UnsafePointer<Lanes>>
    private var coefficients = InlineArray<N, Lanes>(repeating: .zero)

    /// - Parameter placeholder: any pointer.
    @inline(__always)
    init(_ terms: borrowing WeightedTerms, image: Int, block: Int, placeholder: UnsafePointer<Lanes>) {
        pixels = InlineArray(repeating: placeholder)
        for n in 0..<N { (pixels[n], coefficients[n]) = terms.term(n, image, block) }
    }

    /// start + Σ coefficient × pixel, by fused multiply-adds in the terms' order.
    @inline(__always)
    func sum(_ pixel: Int, from start: Lanes) -> Lanes {
        var sum = start
        for n in 0..<N { sum.addProduct(coefficients[n], pixels[n][pixel]) }
        return sum
    }
}

@inline(__always)
func lanes(_ pointer: UnsafePointer<Float>, _ block: Int) -> Lanes {
    UnsafeRawPointer(pointer + block * 8).load(as: Lanes.self)
}
