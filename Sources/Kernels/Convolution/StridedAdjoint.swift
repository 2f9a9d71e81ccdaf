/// The gradient by input of a convolution with stride 2.
///
/// Input pixel (2 r + a, 2 c + b) has met only taps of one parity, so each of the four parities (a, b) is a convolution of
/// the output gradient by its own few taps: 1, 2, 2 and 4 of the nine of a 3×3 kernel. Every element is one chain of fused
/// multiply-adds over (output block, tap row, tap column, lane).
public struct StridedAdjoint: Sendable, Hashable {
    /// The convolution whose gradient it is.
    public let convolution: Convolution

    /// What maps gradients of this convolution's output to gradients of its input.
    public init(_ convolution: Convolution) {
        precondition(convolution.stride == 2, "a convolution with stride 1 has an adjoint")
        self.convolution = convolution
    }

    /// Floats of packed weights.
    public var packedCount: Int {
        8 * convolution.inputBlocks * convolution.outputChannels * convolution.kernel * convolution.kernel
    }

    /// How many of the kernel's rows (or columns) a parity of input rows has met: those of output rows r, r + 1.
    private func tapCount(_ parity: Int) -> Int { convolution.kernel == 3 ? 1 + parity : 1 - parity }

    private func tap(_ parity: Int, _ index: Int) -> Int {
        guard convolution.kernel == 3 else { return 0 }
        return parity == 0 ? 1 : 2 - 2 * index
    }

    /// Packs weights (out, in, height, width), one parity after the other.
    public func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>) {
        let (inputs, outputs, kernel) = (convolution.inputChannels, convolution.outputChannels, convolution.kernel)
        let source = PackingSource(
            weights: weights, outputs: inputs, inputs: outputs, outputStride: kernel * kernel,
            inputStride: inputs * kernel * kernel)
        var next = packed
        for parity in 0..<4 {
            let (a, b) = (parity / 2, parity % 2)
            let (count, columns) = (tapCount(a) * tapCount(b), tapCount(b))
            source.pack(taps: count, into: next) { index in
                tap(a, index / columns) * kernel + tap(b, index % columns)
            }
            next += 8 * convolution.inputBlocks * outputs * count
        }
    }

    /// The gradient by input of one image.
    ///
    /// - Parameters:
    ///   - dy: gradient of the output, with one pixel of zero padding or more.
    ///   - packed: `packedCount` floats from `pack`, 32-byte aligned.
    ///   - dx: receives the gradient.
    public func apply(
        _ dy: BlockedTensor, image: Int, packed: UnsafePointer<Float>, into dx: BlockedTensor, inputImage: Int
    ) {
        precondition(dy.channels == convolution.outputChannels && dx.channels == convolution.inputChannels)
        precondition(dy.height == convolution.outputSize(dx.height) && dy.width == convolution.outputSize(dx.width))
        precondition(dy.padding >= convolution.kernel / 2, "padding is smaller than the kernel needs")
        var weights = UnsafeRawPointer(packed).assumingMemoryBound(to: Lanes.self)
        for parity in 0..<4 {
            let (a, b) = (parity / 2, parity % 2)
            let (rows, columns) = (tapCount(a), tapCount(b))
            var block = 0
            while block < dx.blocks {
                let pair = block + 1 < dx.blocks
                for row in 0..<(dx.height - a + 1) / 2 {
                    let source = ConvolutionSource(
                        pixel: UnsafePointer(dy.plane(image, 0) + row * dy.rowPitch), rowPitch: dy.rowPitch,
                        planePitch: dy.planePitch, fullBlocks: dy.channels / 8, tailLanes: dy.channels % 8,
                        kernelRows: rows, kernelColumns: columns)
                    let target = dx.row(inputImage, block, 2 * row + a) + b
                    @inline(__always)
                    func run<V: ChannelVector>(_ vector: V.Type) {
                        convolveRow(
                            vector, InlineArray<1, Lanes>.self, source, weights, target, yBlock: dx.planePitch / 8,
                            yStep: 2, width: (dx.width - b + 1) / 2, accumulate: false, sums: nil, ahead: nil)
                    }
                    if pair { run(Pair.self) } else { run(Lanes.self) }
                }
                weights += (pair ? 2 : 1) * dy.channels * rows * columns
                block += pair ? 2 : 1
            }
        }
    }
}
