/// A batch norm followed by a rectifier, z = max(a y + c, 0): what stands between the halves of a separable convolution.
public enum NormalizedRectifier {
    /// One image; `z` may have padding, which is left alone.
    ///
    /// - Parameter coefficients, constants: a and c of each channel, (blocks × 8), 32-byte aligned.
    public static func forward(
        _ y: BlockedTensor, image: Int, coefficients: UnsafePointer<Float>, constants: UnsafePointer<Float>,
        into z: BlockedTensor, outputImage: Int
    ) {
        precondition(y.sameShape(as: z), "shapes do not fit")
        Profile.enter("normalise, rectify", nil, y, floats: 2 * y.imageFloats)
        defer { Profile.leave() }
        for block in 0..<y.blocks {
            let a = lanes(coefficients, block)
            let c = lanes(constants, block)
            for row in 0..<y.height {
                let source = y.row(image, block, row)
                let target = z.row(outputImage, block, row)
                for column in 0..<y.width {
                    let value = c.addingProduct(a, source[column])
                    target[column] = value.replacing(with: Lanes.zero, where: value .<= Lanes.zero)
                }
            }
        }
    }

    /// The gradient of z becomes that of a y + c in place, one image; its sum and its products' sum with y are added to
    /// `sums`, single precision within a row.
    ///
    /// - Parameters:
    ///   - d: gradient of z.
    ///   - coefficients, constants: as in the forward pass.
    ///   - sums: (2, blocks × 8): Σ d and Σ d y of each channel.
    public static func backward(
        _ d: BlockedTensor, y: BlockedTensor, image: Int, coefficients: UnsafePointer<Float>,
        constants: UnsafePointer<Float>, sums: UnsafeMutablePointer<Double>
    ) {
        precondition(d.sameShape(as: y), "shapes do not fit")
        Profile.enter("normalise, rectify", nil, y, floats: 3 * y.imageFloats)
        defer { Profile.leave() }
        let channels = y.blocks * 8
        for block in 0..<y.blocks {
            let a = lanes(coefficients, block)
            let c = lanes(constants, block)
            for row in 0..<y.height {
                let gradient = d.row(image, block, row)
                let source = y.row(image, block, row)
                var total = Lanes.zero
                var products = Lanes.zero
                for column in 0..<y.width {
                    let value = source[column]
                    let passed = gradient[column].replacing(
                        with: Lanes.zero, where: c.addingProduct(a, value) .<= Lanes.zero)
                    gradient[column] = passed
                    total += passed
                    products.addProduct(passed, value)
                }
                for lane in 0..<8 {
                    sums[block * 8 + lane] += Double(total[lane])
                    sums[channels + block * 8 + lane] += Double(products[lane])
                }
            }
        }
    }
}
