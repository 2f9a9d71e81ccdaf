/// Gradients by the inputs of batch norms: dy = a d + b y + c, where d is the gradient of what the norm's output adds to.
public enum NormGradient {
    /// One batch norm: its input y, (blocks × 8) coefficients, and where dy goes, with any padding, which is left alone.
    public struct Norm {
        let y: BlockedTensor
        let a: UnsafePointer<Float>
        let b: UnsafePointer<Float>
        let c: UnsafePointer<Float>
        let target: BlockedTensor
        let targetImage: Int

        /// All fields.
        public init(
            y: BlockedTensor, a: UnsafePointer<Float>, b: UnsafePointer<Float>, c: UnsafePointer<Float>,
            target: BlockedTensor, targetImage: Int
        ) {
            (self.y, self.a, self.b, self.c) = (y, a, b, c)
            (self.target, self.targetImage) = (target, targetImage)
        }
    }

    /// One norm, one image of d and y.
    public static func compute(_ d: BlockedTensor, image: Int, _ norm: Norm) {
        Profile.enter("gradient of norms", nil, d, floats: 3 * d.imageFloats)
        defer { Profile.leave() }
        run(InlineArray<1, Norm>(repeating: norm), d, image)
    }

    /// Two norms that add to the same node, in one pass over d.
    public static func compute(_ d: BlockedTensor, image: Int, _ first: Norm, _ second: Norm) {
        Profile.enter("gradient of norms", nil, d, floats: 5 * d.imageFloats)
        defer { Profile.leave() }
        run([first, second] as InlineArray<2, Norm>, d, image)
    }

    @inline(__always)
    private static func run<let N: Int>(_ norms: InlineArray<N, Norm>, _ d: BlockedTensor, _ image: Int) {
        for n in 0..<N {
            precondition(norms[n].y.sameShape(as: d) && norms[n].target.sameShape(as: d), "shapes do not fit")
        }
        for block in 0..<d.blocks {
            var a = InlineArray<N, Lanes>(repeating: .zero)
            var (b, c) = (a, a)
            for n in 0..<N {
                (a[n], b[n], c[n]) = (lanes(norms[n].a, block), lanes(norms[n].b, block), lanes(norms[n].c, block))
            }
            for row in 0..<d.height {
                let gradient = d.row(image, block, row)
                var (y, dy) = (
                    InlineArray<N, UnsafeMutablePointer<Lanes>>(repeating: gradient),
                    InlineArray<N, UnsafeMutablePointer<Lanes>>(repeating: gradient)
                )
                for n in 0..<N {
                    y[n] = norms[n].y.row(image, block, row)
                    dy[n] = norms[n].target.row(norms[n].targetImage, block, row)
                }
                for column in 0..<d.width {
                    let value = gradient[column]
                    for n in 0..<N {
                        var sum = c[n]
                        sum.addProduct(a[n], value)
                        sum.addProduct(b[n], y[n][column])
                        dy[n][column] = sum
                    }
                }
            }
        }
    }
}
