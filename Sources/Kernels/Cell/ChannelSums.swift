/// Sums over pixels of products with a gradient, for each channel: what batch norm and the gradients by β need.
public enum ChannelSums {
    /// Adds one image's Σ d to row 0 of `sums`, and Σ d × source to row 1 + i for source i.
    ///
    /// Single precision within 64 pixels, `Double` from there on.
    ///
    /// - Parameters:
    ///   - d, sources: without padding; one to nine sources.
    ///   - sums: (1 + sources, blocks × 8).
    public static func accumulate(
        _ d: BlockedTensor, _ sources: [BlockedTensor], image: Int, into sums: UnsafeMutablePointer<Double>
    ) {
        precondition(d.padding == 0, "a gradient has no padding")
        Profile.enter("sums for norms and β", nil, d, floats: (1 + sources.count) * d.imageFloats)
        defer { Profile.leave() }
        for source in sources {
            precondition(source.sameShape(as: d) && source.padding == 0, "shapes do not fit")
        }
        switch sources.count {
        case 1: run(InlineArray<1, Lanes>.self, d, sources, image, sums)
        case 2: run(InlineArray<2, Lanes>.self, d, sources, image, sums)
        case 3: run(InlineArray<3, Lanes>.self, d, sources, image, sums)
        case 4: run(InlineArray<4, Lanes>.self, d, sources, image, sums)
        case 5: run(InlineArray<5, Lanes>.self, d, sources, image, sums)
        case 6: run(InlineArray<6, Lanes>.self, d, sources, image, sums)
        case 7: run(InlineArray<7, Lanes>.self, d, sources, image, sums)
        case 8: run(InlineArray<8, Lanes>.self, d, sources, image, sums)
        case 9: run(InlineArray<9, Lanes>.self, d, sources, image, sums)
        default: preconditionFailure("one to nine sources")
        }
    }

    /// The same for one source.
    public static func accumulate(
        _ d: BlockedTensor, _ source: BlockedTensor, image: Int, into sums: UnsafeMutablePointer<Double>
    ) {
        precondition(source.sameShape(as: d) && source.padding == 0 && d.padding == 0, "shapes do not fit")
        Profile.enter("sums for norms and β", nil, d, floats: 2 * d.imageFloats)
        defer { Profile.leave() }
        run(InlineArray<1, Lanes>.self, d, CollectionOfOne(source), image, sums)
    }

    @inline(never)
    private static func run<let N: Int, Sources: RandomAccessCollection<BlockedTensor>>(
        _: InlineArray<N, Lanes>.Type, _ d: BlockedTensor, _ sources: Sources, _ image: Int,
        _ sums: UnsafeMutablePointer<Double>
    ) where Sources.Index == Int {
        let channels = d.blocks * 8
        for block in 0..<d.blocks {
            let gradient = d.row(image, block, 0)
            var pointers = InlineArray<N, UnsafeMutablePointer<Lanes>>(repeating: gradient)
            for n in 0..<N { pointers[n] = sources[n].row(image, block, 0) }
            let target = sums + block * 8
            var start = 0
            while start < d.pixels {
                let end = min(start + 64, d.pixels)
                var total = Lanes.zero
                var products = InlineArray<N, Lanes>(repeating: .zero)
                for pixel in start..<end {
                    let value = gradient[pixel]
                    total += value
                    for n in 0..<N { products[n].addProduct(value, pointers[n][pixel]) }
                }
                add(total, to: target)
                for n in 0..<N { add(products[n], to: target + (n + 1) * channels) }
                start = end
            }
        }
    }

    /// Adds one image's Σ d × source to row i of `sums` for source i of n, and Σ d × averagePool3(source) to row n + i,
    /// as Σ adjoint(averagePool3)(d) × source: nothing is pooled but the gradient.
    ///
    /// Single precision within 64 pixels, `Double` from there on.
    ///
    /// - Parameters:
    ///   - d, sources: without padding.
    ///   - ones: (blocks × 8) ones.
    ///   - sums: (2 n, blocks × 8).
    public static func accumulateMixed(
        _ d: BlockedTensor, _ sources: [BlockedTensor], image: Int, pool: AveragePool3, ones: UnsafePointer<Float>,
        into sums: UnsafeMutablePointer<Double>
    ) {
        precondition(d.padding == 0 && pool.fits(d), "shapes do not fit")
        Profile.enter("sums for norms and β", nil, d, floats: (1 + sources.count) * d.imageFloats)
        defer { Profile.leave() }
        for source in sources {
            precondition(source.sameShape(as: d) && source.padding == 0, "shapes do not fit")
        }
        for block in 0..<d.blocks {
            pool.pool(WeightedTerms(d, ones), .adjoint, image: image, block: block)
            let (gradient, plane) = (d.row(image, block, 0), pool.plane)
            for index in 0..<sources.count {
                let values = sources[index].row(image, block, 0)
                let target = sums + (index * d.blocks + block) * 8
                var start = 0
                while start < d.pixels {
                    let end = min(start + 64, d.pixels)
                    var product = Lanes.zero
                    var pooled = Lanes.zero
                    for pixel in start..<end {
                        product.addProduct(gradient[pixel], values[pixel])
                        pooled.addProduct(plane[pixel], values[pixel])
                    }
                    add(product, to: target)
                    add(pooled, to: target + sources.count * d.blocks * 8)
                    start = end
                }
            }
        }
    }

    @inline(__always)
    private static func add(_ values: Lanes, to sums: UnsafeMutablePointer<Double>) {
        let target = UnsafeMutableRawPointer(sums).assumingMemoryBound(to: SIMD8<Double>.self)
        target.pointee += SIMD8<Double>(values)
    }
}
