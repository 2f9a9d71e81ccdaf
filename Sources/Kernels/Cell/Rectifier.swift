/// ReLU. What is not a number passes, so that it is seen.
public enum Rectifier {
    /// target = max(x, 0), one image; `target` may have padding, which is left alone.
    public static func forward(_ x: BlockedTensor, image: Int, into target: BlockedTensor, targetImage: Int) {
        precondition(x.sameShape(as: target), "shapes do not fit")
        Profile.enter("rectifier", nil, x, floats: 2 * x.imageFloats)
        defer { Profile.leave() }
        for block in 0..<x.blocks {
            for row in 0..<x.height {
                let source = x.row(image, block, row)
                let destination = target.row(targetImage, block, row)
                for column in 0..<x.width {
                    let value = source[column]
                    destination[column] = value.replacing(with: Lanes.zero, where: value .<= Lanes.zero)
                }
            }
        }
    }

    /// dx = x > 0 ? d : 0, one image. `x` may be the input or the rectified output, and dx may be d.
    public static func backward(
        _ d: BlockedTensor, dImage: Int, x: BlockedTensor, xImage: Int, into dx: BlockedTensor, dxImage: Int
    ) {
        precondition(d.sameShape(as: dx) && x.sameShape(as: dx), "shapes do not fit")
        Profile.enter("rectifier", nil, dx, floats: 3 * dx.imageFloats)
        defer { Profile.leave() }
        for block in 0..<dx.blocks {
            for row in 0..<dx.height {
                let gradient = d.row(dImage, block, row)
                let source = x.row(xImage, block, row)
                let target = dx.row(dxImage, block, row)
                for column in 0..<dx.width {
                    target[column] = gradient[column].replacing(with: Lanes.zero, where: source[column] .<= Lanes.zero)
                }
            }
        }
    }
}
