/// A 3×3 convolution with stride 1 and zero padding 1 by Winograd's F(4×4, 3×3): a quarter of the multiplications.
///
/// Height and width are multiples of 4. Every element is computed in one order of operations whatever the number of
/// tiles that go through together, so results depend on nothing but inputs; they differ from direct summation's by
/// about 3·10⁻⁵ standard deviations of the output.
///
/// The steps are separate, since their results are shared: the tiles of a node serve all convolutions of its outgoing
/// edges and their gradients by weights, those of an output's gradient serve both gradients, and what several
/// convolutions give to the gradient of their input adds up before one transform back.
public struct WinogradConvolution: Sendable, Hashable {
    /// Channels of the input; any number.
    public let inputChannels: Int
    /// Channels of the output; any number.
    public let outputChannels: Int

    /// - Precondition: at least one channel each.
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

    /// Vectors of transformed weights from one position to the next: as in `TransformedTiles` with a gap of one cache
    /// line, so that the 36 of a weight don't fall on few sets of the cache.
    var packedPitch: Int { outputBlocks * inputChannels + 2 }

    /// Vectors of a transformed gradient from one position to the next.
    var gradientPitch: Int { outputBlocks * inputBlocks * 8 + 2 }

    /// Floats of transformed weights.
    public var packedCount: Int { 36 * packedPitch * 8 }

    /// Floats of a gradient by weights in Winograd's domain: (36 positions, output blocks, input blocks, 8, 8).
    public var gradientCount: Int { 36 * gradientPitch * 8 }

    /// Transforms weights that `Convolution.pack` or `packTransposed` packed, U = G g Gᵀ, to (36 positions, pairs of
    /// output blocks, in, 16); an odd last block has (in, 8).
    ///
    /// - Parameters:
    ///   - direct: (pairs of output blocks, input blocks, 9 taps, lanes of the input block, 16).
    ///   - packed: `packedCount` floats, 32-byte aligned.
    public func transformWeights(_ direct: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>) {
        var source = UnsafeRawPointer(direct).assumingMemoryBound(to: Lanes.self)
        var target = UnsafeMutableRawPointer(packed).assumingMemoryBound(to: Lanes.self)
        var block = 0
        while block < outputBlocks {
            let width = block + 1 < outputBlocks ? 2 : 1
            for inputBlock in 0..<inputBlocks {
                let vectors = min(8, inputChannels - inputBlock * 8) * width
                for vector in 0..<vectors {
                    transformKernel(source + vector, tapPitch: vectors, into: target + vector, packedPitch)
                }
                source += 9 * vectors
                target += vectors
            }
            block += width
        }
    }

    /// Transforms a gradient by weights back, Gᵀ m G, and writes it in PyTorch's order (out, in, 3, 3).
    public func unpackGradient(_ transformed: UnsafePointer<Float>, into gradient: UnsafeMutablePointer<Float>) {
        let source = UnsafeRawPointer(transformed).assumingMemoryBound(to: Lanes.self)
        // One block of inputs × one of outputs: (inputs, 9 taps, 8). On the stack: no pass takes heap memory.
        var block = InlineArray<72, Lanes>(repeating: .zero)
        withUnsafeMutablePointer(to: &block) { block in
            let taps = UnsafeMutableRawPointer(block).assumingMemoryBound(to: Lanes.self)
            let values = UnsafeRawPointer(block).assumingMemoryBound(to: Float.self)
            for output in 0..<outputBlocks {
                for input in 0..<inputBlocks {
                    let inputs = min(8, inputChannels - input * 8)
                    for lane in 0..<inputs {
                        transformGradient(
                            source + (output * inputBlocks + input) * 8 + lane, gradientPitch, into: taps + lane * 9)
                    }
                    for lane in 0..<min(8, outputChannels - output * 8) {
                        let row = gradient + ((output * 8 + lane) * inputChannels + input * 8) * 9
                        for tap in 0..<inputs * 9 { row[tap] = values[tap * 8 + lane] }
                    }
                }
            }
        }
    }
}

/// G g Gᵀ of one vector of kernels.
@inline(never)
private func transformKernel(
    _ g: UnsafePointer<Lanes>, tapPitch: Int, into u: UnsafeMutablePointer<Lanes>, _ pitch: Int
) {
    var half = InlineArray<18, Lanes>(repeating: .zero)
    for column in 0..<3 {
        let down = 3 * tapPitch
        let tap = g + column * tapPitch
        let t = F4.kernel(tap[0], tap[down], tap[2 * down])
        (half[column], half[3 + column], half[6 + column]) = (t.0, t.1, t.2)
        (half[9 + column], half[12 + column], half[15 + column]) = (t.3, t.4, t.5)
    }
    for row in 0..<6 {
        let t = F4.kernel(half[row * 3], half[row * 3 + 1], half[row * 3 + 2])
        F4.store(t, at: u + row * 6 * pitch, every: pitch)
    }
}

/// Gᵀ m G of one vector of kernels.
@inline(never)
private func transformGradient(_ m: UnsafePointer<Lanes>, _ pitch: Int, into taps: UnsafeMutablePointer<Lanes>) {
    var half = InlineArray<18, Lanes>(repeating: .zero)
    for column in 0..<6 {
        let p = m + column * pitch
        let down = 6 * pitch
        let t = F4.kernelGradient(p[0], p[down], p[2 * down], p[3 * down], p[4 * down], p[5 * down])
        (half[column], half[6 + column], half[12 + column]) = (t.0, t.1, t.2)
    }
    for row in 0..<3 {
        let h = row * 6
        let t = F4.kernelGradient(half[h], half[h + 1], half[h + 2], half[h + 3], half[h + 4], half[h + 5])
        (taps[row * 3], taps[row * 3 + 1], taps[row * 3 + 2]) = t
    }
}
