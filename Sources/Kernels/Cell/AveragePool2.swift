/// Average pooling 2×2 with stride 2; sizes are even.
public enum AveragePool2 {
    /// One image; a pixel's sum is ((0,0) + (0,1)) + ((1,0) + (1,1)).
    public static func forward(_ x: BlockedTensor, image: Int, into y: BlockedTensor, outputImage: Int) {
        precondition(x.channels == y.channels && x.height == 2 * y.height && x.width == 2 * y.width)
        Profile.enter("average pool 2×2", nil, y, floats: x.imageFloats + y.imageFloats)
        defer { Profile.leave() }
        for block in 0..<x.blocks {
            for row in 0..<y.height {
                let top = x.row(image, block, 2 * row)
                let bottom = x.row(image, block, 2 * row + 1)
                let target = y.row(outputImage, block, row)
                for c in 0..<y.width {
                    target[c] = ((top[2 * c] + top[2 * c + 1]) + (bottom[2 * c] + bottom[2 * c + 1])) * 0.25
                }
            }
        }
    }

    /// dx += the gradient through the pooling, one image.
    public static func addAdjoint(_ dy: BlockedTensor, image: Int, into dx: BlockedTensor, inputImage: Int) {
        precondition(dx.channels == dy.channels && dx.height == 2 * dy.height && dx.width == 2 * dy.width)
        Profile.enter("average pool 2×2", nil, dy, floats: 2 * dx.imageFloats + dy.imageFloats)
        defer { Profile.leave() }
        for block in 0..<dx.blocks {
            for row in 0..<dx.height {
                let source = dy.row(image, block, row / 2)
                let target = dx.row(inputImage, block, row)
                for c in 0..<dx.width { target[c] += source[c / 2] * 0.25 }
            }
        }
    }
}
