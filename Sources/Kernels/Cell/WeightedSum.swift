/// An image of a tensor, which may have padding; a kernel leaves that alone.
public struct ImageOf {
    let tensor: BlockedTensor
    let image: Int

    /// Image number `image` of `tensor`, counted from 0.
    public init(_ tensor: BlockedTensor, image: Int) {
        self.tensor = tensor
        self.image = image
    }

    @inline(__always)
    func row(_ block: Int, _ row: Int) -> UnsafeMutablePointer<Lanes> { tensor.row(image, block, row) }

    /// Pixels from one row to the next.
    var pitch: Int { tensor.rowPitch / 8 }
}

/// Sums of tensors with a coefficient for each channel, one image at a time, in one sweep.
///
/// Every element is one chain: constant plus pooled terms (`AveragePool3`), then the terms in their order by fused
/// multiply-adds.
public enum WeightedSum {
    /// target = constant + averagePool3(Σ coefficient × pooled term) + Σ coefficient × term, and rectified =
    /// max(target, 0), for the channels of each block.
    ///
    /// - Parameters:
    ///   - terms: at most nine. - pooled: at most three.
    ///   - pool: needed for pooled terms only.
    ///   - constants: (blocks × 8); nil for zero.
    ///   - image: of all terms.
    ///   - target: without padding; may be one of the terms. - rectified: nil if not wanted.
    public static func compute(
        _ terms: borrowing WeightedTerms, pooled: borrowing WeightedTerms = WeightedTerms(), pool: AveragePool3? = nil,
        constants: UnsafePointer<Float>? = nil, image: Int, into target: ImageOf, rectified: ImageOf? = nil
    ) {
        precondition(rectified?.tensor.sameShape(as: target.tensor) ?? true, "shapes do not fit")
        let tensors = terms.count + pooled.count + (rectified == nil ? 1 : 2)
        Profile.enter("normalise, weight, pool, add", nil, target.tensor, floats: tensors * target.tensor.imageFloats)
        defer { Profile.leave() }
        let sum = PlaneSum(
            direction: .forward, pool: pool, constants: constants, image: image, target: target,
            epilogue: rectified.map { .rectify($0) } ?? .none)
        sum.compute(terms, pooled)
    }

    /// The gradient of a node, through skips, average pooling and the rectifier before the convolutions:
    /// target = adjoint(averagePool3)(Σ coefficient × pooled term) + Σ coefficient × term + (x > 0 ? r : 0).
    ///
    /// - Parameters:
    ///   - image: of all terms.
    ///   - r: gradient of the rectified x. - x: the node, or the rectified node.
    ///   - target: without padding.
    public static func gradient(
        _ terms: borrowing WeightedTerms, pooled: borrowing WeightedTerms, pool: AveragePool3, image: Int, r: ImageOf,
        x: ImageOf, into target: ImageOf
    ) {
        precondition(
            r.tensor.sameShape(as: target.tensor) && x.tensor.sameShape(as: target.tensor), "shapes do not fit")
        let tensors = terms.count + pooled.count + 3
        Profile.enter("normalise, weight, pool, add", nil, target.tensor, floats: tensors * target.tensor.imageFloats)
        defer { Profile.leave() }
        let sum = PlaneSum(
            direction: .adjoint, pool: pool, constants: nil, image: image, target: target, epilogue: .add(r, where: x))
        sum.compute(terms, pooled)
    }
}

/// The sweep over one image.
private struct PlaneSum {
    /// What follows for each pixel.
    enum Epilogue {
        case none
        case rectify(ImageOf)
        case add(ImageOf, where: ImageOf)
    }

    let direction: AveragePool3.Direction
    let pool: AveragePool3?
    let constants: UnsafePointer<Float>?
    /// Of all terms.
    let image: Int
    let target: ImageOf
    let epilogue: Epilogue

    @inline(__always)
    func compute(_ terms: borrowing WeightedTerms, _ pooled: borrowing WeightedTerms) {
        let (fits, poolsFit) = (terms.fits(target.tensor), pooled.fits(target.tensor))
        precondition(fits && poolsFit && target.tensor.padding == 0, "shapes do not fit")
        switch terms.count {
        case 0: run(InlineArray<0, Lanes>.self, terms, pooled)
        case 1: run(InlineArray<1, Lanes>.self, terms, pooled)
        case 2: run(InlineArray<2, Lanes>.self, terms, pooled)
        case 3: run(InlineArray<3, Lanes>.self, terms, pooled)
        case 4: run(InlineArray<4, Lanes>.self, terms, pooled)
        case 5: run(InlineArray<5, Lanes>.self, terms, pooled)
        case 6: run(InlineArray<6, Lanes>.self, terms, pooled)
        case 7: run(InlineArray<7, Lanes>.self, terms, pooled)
        case 8: run(InlineArray<8, Lanes>.self, terms, pooled)
        default: run(InlineArray<9, Lanes>.self, terms, pooled)
        }
    }

    @inline(never)
    private func run<let N: Int>(
        _: InlineArray<N, Lanes>.Type, _ terms: borrowing WeightedTerms, _ pooled: borrowing WeightedTerms
    ) {
        for block in 0..<target.tensor.blocks {
            let sum = target.row(block, 0)
            let planes = TermPlanes<N>(terms, image: image, block: block, placeholder: UnsafePointer(sum))
            let constant = constants.map { lanes($0, block) } ?? .zero
            if pooled.count > 0 {
                guard let pool, pool.fits(target.tensor) else { preconditionFailure("no pool for this size") }
                pool.pool(pooled, direction, image: image, block: block)
                sweep(planes, constant, InlineArray<1, _>(repeating: pool.plane), block, into: sum)
            } else {
                sweep(planes, constant, InlineArray<0, _>(repeating: UnsafePointer(sum)), block, into: sum)
            }
        }
    }

    /// - Parameter pooled: a plane to add, or none.
    @inline(__always)
    private func sweep<let N: Int, let P: Int>(
        _ planes: TermPlanes<N>, _ constant: Lanes, _ pooled: InlineArray<P, UnsafePointer<Lanes>>, _ block: Int,
        into sum: UnsafeMutablePointer<Lanes>
    ) {
        let (height, width) = (target.tensor.height, target.tensor.width)
        switch epilogue {
        case .none:
            for pixel in 0..<height * width {
                sum[pixel] = planes.sum(pixel, from: P == 0 ? constant : constant + pooled[0][pixel])
            }
        case .rectify(let rectified):
            var row = rectified.row(block, 0)
            var start = 0
            for _ in 0..<height {
                for column in 0..<width {
                    let pixel = start + column
                    let value = planes.sum(pixel, from: P == 0 ? constant : constant + pooled[0][pixel])
                    sum[pixel] = value
                    row[column] = value.replacing(with: Lanes.zero, where: value .<= Lanes.zero)
                }
                row += rectified.pitch
                start += width
            }
        case .add(let r, let x):
            var (gradient, sign) = (r.row(block, 0), x.row(block, 0))
            var start = 0
            for _ in 0..<height {
                for column in 0..<width {
                    let pixel = start + column
                    let passed = gradient[column].replacing(with: Lanes.zero, where: sign[column] .<= Lanes.zero)
                    sum[pixel] = planes.sum(pixel, from: P == 0 ? constant : constant + pooled[0][pixel]) + passed
                }
                gradient += r.pitch
                sign += x.pitch
                start += width
            }
        }
    }
}
