/// A 3×3 convolution with stride 1 and zero padding 1 by Winograd's F(4×4, 3×3): a quarter of the multiplications.
///
/// Height and width are multiples of 4. Every element is computed in one order of operations whatever the number of
/// tiles that go through together, so results depend on nothing but inputs; they differ from direct summation's by
/// about 3·10⁻⁵ standard deviations of the output.
///
/// The steps are separate, since their results are shared: the tiles of a node serve all convolutions of its outgoing
/// edges and their gradients by weights, and the products of several convolutions add up before one transform back.
public struct WinogradConvolution: Sendable, Hashable {
    public let inputChannels: Int
    public let outputChannels: Int

    public init(inputChannels: Int, outputChannels: Int) {
        precondition(inputChannels > 0 && outputChannels > 0, "a convolution needs channels")
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
    }

    /// Whether a plane of this size divides into tiles.
    public static func fits(height: Int, width: Int) -> Bool { height % 4 == 0 && width % 4 == 0 }

    /// Tiles of a plane.
    public static func tiles(height: Int, width: Int) -> Int { height / 4 * (width / 4) }

    var inputBlocks: Int { (inputChannels + 7) / 8 }
    var outputBlocks: Int { (outputChannels + 7) / 8 }

    /// Floats of transformed weights.
    public var packedCount: Int { 36 * outputBlocks * 8 * inputChannels }

    /// Floats of a gradient by weights in Winograd's domain: (36, output blocks, input blocks, 8, 8).
    public var gradientCount: Int { 36 * outputBlocks * inputBlocks * 64 }

    /// Transforms weights that `Convolution.pack` or `packFlipped` packed, U = G g Gᵀ, to (36, pairs of output blocks,
    /// in, 16); an odd last block has (in, 8).
    ///
    /// - Parameters:
    ///   - direct: (pairs of output blocks, input blocks, 9 taps, lanes of the input block, 16).
    ///   - packed: `packedCount` floats, 32-byte aligned.
    public func transformWeights(_ direct: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>) {
        var source = UnsafeRawPointer(direct).assumingMemoryBound(to: Lanes.self)
        var target = UnsafeMutableRawPointer(packed).assumingMemoryBound(to: Lanes.self)
        let positionPitch = outputBlocks * inputChannels
        withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 18) { half in
            let half = half.baseAddress!
            var block = 0
            while block < outputBlocks {
                let width = block + 1 < outputBlocks ? 2 : 1
                for inputBlock in 0..<inputBlocks {
                    let lanes = min(8, inputChannels - inputBlock * 8)
                    for vector in 0..<lanes * width {
                        for column in 0..<3 {
                            let g = source + vector + column * lanes * width
                            let down = 3 * lanes * width
                            let t = F4.kernel(g[0], g[down], g[2 * down])
                            (half[column], half[3 + column], half[6 + column]) = (t.0, t.1, t.2)
                            (half[9 + column], half[12 + column], half[15 + column]) = (t.3, t.4, t.5)
                        }
                        for row in 0..<6 {
                            let t = F4.kernel(half[row * 3], half[row * 3 + 1], half[row * 3 + 2])
                            let u = target + vector + row * 6 * positionPitch
                            (u[0], u[positionPitch], u[2 * positionPitch]) = (t.0, t.1, t.2)
                            (u[3 * positionPitch], u[4 * positionPitch], u[5 * positionPitch]) = (t.3, t.4, t.5)
                        }
                    }
                    source += 9 * lanes * width
                    target += lanes * width
                }
                block += width
            }
        }
    }

    /// Transforms a gradient by weights back, Gᵀ m G, and writes it in PyTorch's order (out, in, 3, 3).
    public func unpackGradient(_ transformed: UnsafePointer<Float>, into gradient: UnsafeMutablePointer<Float>) {
        let source = UnsafeRawPointer(transformed).assumingMemoryBound(to: Lanes.self)
        let positionPitch = outputBlocks * inputBlocks * 8
        withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 18) { half in
            let half = half.baseAddress!
            for output in 0..<outputBlocks {
                for input in 0..<inputChannels {
                    let m = source + (output * inputBlocks + input / 8) * 8 + input % 8
                    for column in 0..<6 {
                        let p = m + column * positionPitch
                        let down = 6 * positionPitch
                        let t = F4.kernelGradient(
                            p[0], p[down], p[2 * down], p[3 * down], p[4 * down], p[5 * down])
                        (half[column], half[6 + column], half[12 + column]) = (t.0, t.1, t.2)
                    }
                    let lanes = min(8, outputChannels - output * 8)
                    for row in 0..<3 {
                        let h = half + row * 6
                        let t = F4.kernelGradient(h[0], h[1], h[2], h[3], h[4], h[5])
                        for lane in 0..<lanes {
                            let g = gradient + ((output * 8 + lane) * inputChannels + input) * 9 + row * 3
                            (g[0], g[1], g[2]) = (t.0[lane], t.1[lane], t.2[lane])
                        }
                    }
                }
            }
        }
    }
}
