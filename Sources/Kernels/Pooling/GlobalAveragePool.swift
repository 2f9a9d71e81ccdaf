/// The mean of each channel over all pixels.
public enum GlobalAveragePool {
    /// One image; pixels are added row by row.
    ///
    /// - Parameter features: (channels).
    public static func forward(_ x: BlockedTensor, image: Int, into features: UnsafeMutablePointer<Float>) {
        Profile.enter("global pool", nil, x, floats: x.imageFloats)
        defer { Profile.leave() }
        for block in 0..<x.blocks {
            var sum = Lanes.zero
            for row in 0..<x.height {
                let values = x.row(image, block, row)
                for column in 0..<x.width { sum += values[column] }
            }
            let scale = 1 / Float(x.pixels)
            for lane in 0..<min(8, x.channels - block * 8) { features[block * 8 + lane] = sum[lane] * scale }
        }
    }

    /// The gradient of every pixel of one image.
    ///
    /// - Parameter features: gradient of the means, (channels).
    public static func backward(_ features: UnsafePointer<Float>, into dx: BlockedTensor, image: Int) {
        Profile.enter("global pool", nil, dx, floats: dx.imageFloats)
        defer { Profile.leave() }
        for block in 0..<dx.blocks {
            var value = Lanes.zero
            for lane in 0..<min(8, dx.channels - block * 8) {
                value[lane] = features[block * 8 + lane] / Float(dx.pixels)
            }
            for row in 0..<dx.height { dx.row(image, block, row).update(repeating: value, count: dx.width) }
        }
    }
}
