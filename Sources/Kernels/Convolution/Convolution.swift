/// A convolution with zero padding kernel / 2 on blocked tensors, by direct summation.
///
/// Every output element is one chain of fused multiply-adds over (input block, kernel row, kernel column, lane), so its
/// value depends on nothing but its inputs. The gradient by input of a stride-1 convolution is the same kernel with
/// channels exchanged and weights flipped: `adjoint` describes it; for stride 2 there is `StridedAdjoint`.
public struct Convolution: Sendable, Hashable {
    /// Channels of the input; any number.
    public let inputChannels: Int
    /// Channels of the output; any number.
    public let outputChannels: Int
    /// Height and width of the kernel: 1 or 3.
    public let kernel: Int
    /// 1 or 2.
    public let stride: Int

    /// - Precondition: `kernel` is 1 or 3, `stride` 1 or 2.
    public init(inputChannels: Int, outputChannels: Int, kernel: Int, stride: Int = 1) {
        precondition(inputChannels > 0 && outputChannels > 0, "a convolution needs channels")
        precondition(kernel == 1 || kernel == 3, "only 1×1 and 3×3 kernels")
        precondition(stride == 1 || stride == 2, "only strides 1 and 2")
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.kernel = kernel
        self.stride = stride
    }

    var inputBlocks: Int { (inputChannels + 7) / 8 }
    var outputBlocks: Int { (outputChannels + 7) / 8 }

    /// The convolution that maps output gradients to input gradients, for stride 1.
    public var adjoint: Convolution {
        Convolution(inputChannels: outputChannels, outputChannels: inputChannels, kernel: kernel)
    }

    /// Floats of the weights in PyTorch's order (out, in, height, width).
    public var weightCount: Int { outputChannels * inputChannels * kernel * kernel }

    /// Floats of packed weights.
    public var packedCount: Int { outputBlocks * 8 * inputChannels * kernel * kernel }

    /// Height or width of the output for that of the input.
    public func outputSize(_ size: Int) -> Int { (size - 1) / stride + 1 }

    /// Multiply-adds of one image of the given input size.
    public func multiplyAdds(height: Int, width: Int) -> Int {
        outputSize(height) * outputSize(width) * weightCount
    }

    /// Packs weights (out, in, height, width) into (pairs of output blocks, in, height, width, 16); an odd last block
    /// has (in, height, width, 8).
    public func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>) {
        let taps = kernel * kernel
        let source = PackingSource(
            weights: weights, outputs: outputChannels, inputs: inputChannels, outputStride: inputChannels * taps,
            inputStride: taps)
        source.pack(taps: taps, into: packed) { $0 }
    }

    /// Packs the weights (out, in, height, width) of the convolution whose `adjoint` this is.
    public func packFlipped(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>) {
        let taps = kernel * kernel
        exchanged(weights).pack(taps: taps, into: packed) { taps - 1 - $0 }
    }

    /// The same with the taps as they are, for `WinogradConvolution.transformWeights`: Uᵀ maps output gradients to input
    /// gradients in Winograd's domain.
    public func packTransposed(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>) {
        exchanged(weights).pack(taps: kernel * kernel, into: packed) { $0 }
    }

    private func exchanged(_ weights: UnsafePointer<Float>) -> PackingSource {
        let taps = kernel * kernel
        return PackingSource(
            weights: weights, outputs: outputChannels, inputs: inputChannels, outputStride: taps,
            inputStride: outputChannels * taps)
    }

    /// Convolves one image.
    ///
    /// - Parameters:
    ///   - x: at least kernel / 2 pixels of zero padding.
    ///   - packed: `packedCount` floats from `pack`, 32-byte aligned.
    ///   - y: the output; any padding, which is left alone.
    ///   - accumulate: whether the result is added to what is in `y`.
    ///   - sums: (blocks, 2, 8): sum and sum of squares of the outputs of each channel are added to it, row by row;
    ///     nil if not wanted.
    ///   - ahead: what is fetched meanwhile.
    public func forward(
        _ x: BlockedTensor, image: Int, packed: UnsafePointer<Float>, into y: BlockedTensor, outputImage: Int,
        accumulate: Bool = false, sums: UnsafeMutablePointer<Double>? = nil, ahead: Prefetch? = nil
    ) {
        precondition(x.channels == inputChannels && y.channels == outputChannels, "channels do not fit")
        precondition(x.padding >= kernel / 2, "padding is smaller than the kernel needs")
        precondition(y.height == outputSize(x.height) && y.width == outputSize(x.width), "sizes do not fit")
        let taps = kernel * kernel
        var weights = UnsafeRawPointer(packed).assumingMemoryBound(to: Lanes.self)
        var block = 0
        while block < outputBlocks {
            let pair = block + 1 < outputBlocks
            for row in 0..<y.height {
                let input = x.plane(image, 0) + (row * stride - kernel / 2) * x.rowPitch - kernel / 2 * 8
                let source = ConvolutionSource(
                    pixel: UnsafePointer(input), rowPitch: x.rowPitch, planePitch: x.planePitch,
                    fullBlocks: inputChannels / 8, tailLanes: inputChannels % 8, kernelRows: kernel,
                    kernelColumns: kernel)
                let target = y.row(outputImage, block, row)
                let rowSums = sums.map { $0 + block * 16 }
                @inline(__always)
                func run<V: ChannelVector, let S: Int>(_ vector: V.Type, _ s: InlineArray<S, Lanes>.Type) {
                    convolveRow(
                        vector, s, source, weights, target, yBlock: y.planePitch / 8, yStep: 1, width: y.width,
                        accumulate: accumulate, sums: rowSums, ahead: ahead)
                }
                switch (pair, stride) {
                case (true, 1): run(Pair.self, InlineArray<1, Lanes>.self)
                case (true, _): run(Pair.self, InlineArray<2, Lanes>.self)
                case (false, 1): run(Lanes.self, InlineArray<1, Lanes>.self)
                case (false, _): run(Lanes.self, InlineArray<2, Lanes>.self)
                }
            }
            weights += (pair ? 2 : 1) * inputChannels * taps
            block += pair ? 2 : 1
        }
    }
}

/// Weights in any order of (outputs, inputs, taps), to be packed for the kernels.
struct PackingSource {
    let weights: UnsafePointer<Float>
    let outputs: Int
    let inputs: Int
    /// Floats from one output channel to the next, and from one input channel to the next.
    let outputStride: Int
    let inputStride: Int

    /// Packs into (pairs of output blocks, input blocks, taps, lanes of the input block, 16), the order of the kernels'
    /// loops; an odd last block of outputs has 8.
    ///
    /// - Parameter place: of a tap among those of an output and an input.
    @inline(__always)
    func pack(taps: Int, into packed: UnsafeMutablePointer<Float>, place: (Int) -> Int) {
        var next = packed
        var firstOutput = 0
        while firstOutput < outputs {
            let lanes = firstOutput + 8 < outputs ? 16 : 8
            let filled = min(lanes, outputs - firstOutput)
            for firstInput in stride(from: 0, to: inputs, by: 8) {
                let corner = weights + firstOutput * outputStride + firstInput * inputStride
                for tap in 0..<taps {
                    var column = corner + place(tap)
                    for _ in firstInput..<min(firstInput + 8, inputs) {
                        var weight = column
                        for lane in 0..<filled {
                            next[lane] = weight.pointee
                            weight += outputStride
                        }
                        for lane in filled..<lanes { next[lane] = 0 }
                        next += lanes
                        column += inputStride
                    }
                }
            }
            firstOutput += lanes
        }
    }
}
