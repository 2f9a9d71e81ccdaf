import Testing

@testable import Kernels

/// Weights (channels, k, k) and plain loops.
private struct PlainDepthwise {
    let convolution: DepthwiseConvolution
    var weights: [Double]

    init(_ convolution: DepthwiseConvolution) {
        self.convolution = convolution
        let draws = Philox(seed: 8, purpose: .synthetic, stream: convolution.kernel)
        weights = (0..<convolution.weightCount).map { Double(draws.normal(at: $0)) }
    }

    /// For every pair of an output and an input pixel that a weight joins.
    private func forEach(
        _ height: Int, _ width: Int, _ body: (_ c: Int, _ weight: Int, _ y: (Int, Int), _ x: (Int, Int)) -> Void
    ) {
        let (k, d, s) = (convolution.kernel, convolution.dilation, convolution.stride)
        for c in 0..<convolution.channels {
            for i in 0..<k {
                for j in 0..<k {
                    for row in 0..<convolution.outputSize(height) {
                        for column in 0..<convolution.outputSize(width) {
                            let x = (row * s + (i - k / 2) * d, column * s + (j - k / 2) * d)
                            body(c, (c * k + i) * k + j, (row, column), x)
                        }
                    }
                }
            }
        }
    }

    func forward(_ x: Planar) -> Planar {
        var y = Planar(
            channels: x.channels, height: convolution.outputSize(x.height), width: convolution.outputSize(x.width))
        forEach(x.height, x.width) { c, weight, output, input in
            y[c, output.0, output.1] += weights[weight] * x[c, input.0, input.1]
        }
        return y
    }

    func inputGradient(_ dy: Planar, height: Int, width: Int) -> Planar {
        var dx = Planar(channels: dy.channels, height: height, width: width)
        forEach(height, width) { c, weight, output, input in
            guard (0..<height).contains(input.0), (0..<width).contains(input.1) else { return }
            dx[c, input.0, input.1] += weights[weight] * dy[c, output.0, output.1]
        }
        return dx
    }

    func weightsGradient(_ x: Planar, _ dy: Planar) -> [Double] {
        var result = [Double](repeating: 0, count: weights.count)
        forEach(x.height, x.width) { c, weight, output, input in
            result[weight] += dy[c, output.0, output.1] * x[c, input.0, input.1]
        }
        return result
    }
}

@Suite("Depthwise convolution")
struct DepthwiseTests {
    static let kinds = [3, 5].flatMap { kernel in
        [1, 2].flatMap { dilation in [1, 2].map { stride in [kernel, dilation, stride] } }
    }
    /// Channels, height, width.
    static let shapes = [
        (1, 1, 1), (4, 2, 3), (8, 8, 8), (16, 16, 24), (9, 7, 5), (16, 6, 16), (12, 3, 33), (17, 9, 20),
    ]

    @Test("three passes agree with plain loops", arguments: kinds, shapes)
    func passes(_ kind: [Int], _ shape: (Int, Int, Int)) {
        let (channels, height, width) = shape
        let convolution = DepthwiseConvolution(
            channels: channels, kernel: kind[0], dilation: kind[1], stride: kind[2])
        let plain = PlainDepthwise(convolution)
        let x = Planar.random(channels, height, width, stream: 1)
        let dy = Planar.random(
            channels, convolution.outputSize(height), convolution.outputSize(width), stream: 2)
        let arena = Arena()
        let packed = arena.floats(convolution.packedCount)
        convolution.pack(plain.weights.map { Float($0) }, into: packed)
        let flipped = arena.floats(convolution.packedCount)
        convolution.packFlipped(plain.weights.map { Float($0) }, into: flipped)
        let input = x.blocked(arena, padding: 4, images: 2, image: 1)
        let gradient = dy.blocked(arena, padding: 4, images: 3, image: 2)

        let y = arena.tensor(images: 2, channels: channels, height: dy.height, width: dy.width, padding: 1)
        convolution.forward(input, image: 1, packed: packed, into: y, outputImage: 1)
        #expect(relativeDifference(y.planar(1), plain.forward(x).values) < 2e-6)

        let dx = x.blocked(arena, padding: 1)
        let expected = plain.inputGradient(dy, height: height, width: width)
        convolution.inputGradient(
            gradient, image: 2, packed: flipped, into: dx, inputImage: 0, accumulate: false)
        #expect(relativeDifference(dx.planar(0), expected.values) < 2e-6)
        convolution.inputGradient(gradient, image: 2, packed: flipped, into: dx, inputImage: 0, accumulate: true)
        #expect(relativeDifference(dx.planar(0), expected.values.map { 2 * $0 }) < 2e-6)

        let blocked = arena.floats(convolution.packedCount)
        for _ in 0..<2 {
            convolution.weightsGradient(input, image: 1, gradient, gradientImage: 2, into: blocked)
        }
        var weightsGradient = [Float](repeating: .nan, count: convolution.weightCount)
        convolution.unpackGradient(blocked, into: &weightsGradient)
        #expect(relativeDifference(weightsGradient, plain.weightsGradient(x, dy).map { 2 * $0 }) < 5e-6)
    }

    /// On processors with narrower registers too, where convolutions do not take this way.
    @Test("four rows at a time give the same bits", arguments: kinds, [(8, 8, 8), (16, 16, 32), (20, 24, 16)])
    func fourRows(_ kind: [Int], _ shape: (Int, Int, Int)) {
        let (channels, height, width) = shape
        let convolution = DepthwiseConvolution(
            channels: channels, kernel: kind[0], dilation: kind[1], stride: kind[2])
        let weights = PlainDepthwise(convolution).weights.map { Float($0) }
        let arena = Arena()
        let packed = arena.floats(convolution.packedCount)
        convolution.pack(weights, into: packed)
        let input = Planar.random(channels, height, width, stream: 5).blocked(arena, padding: 4)
        let size = (convolution.outputSize(height), convolution.outputSize(width))
        let expected = arena.tensor(images: 1, channels: channels, height: size.0, width: size.1, padding: 2)
        convolution.forward(input, image: 0, packed: packed, into: expected, outputImage: 0)

        func run<let K: Int, let D: Int, let S: Int>(_: FourRows<K, D, S>.Type, accumulate: Bool, _ y: BlockedTensor) {
            #expect(FourRows<K, D, S>.fits(input, y))
            for block in 0..<input.blocks {
                let rows = FourRows<K, D, S>(
                    x: UnsafePointer(input.row(0, block, -convolution.padding)) - convolution.padding,
                    xPitch: input.rowPitch / 8, yPitch: y.rowPitch / 8, y: y.row(0, block, 0),
                    accumulate: accumulate, ahead: nil)
                rows.correlate(height: y.height, width: y.width, convolution.lanesPointer(packed, block))
            }
        }
        let y = arena.tensor(images: 1, channels: channels, height: size.0, width: size.1, padding: 2)
        for accumulate in [false, true] {
            switch (kind[0], kind[1], kind[2]) {
            case (3, 1, 1): run(FourRows<3, 1, 1>.self, accumulate: accumulate, y)
            case (3, 2, 1): run(FourRows<3, 2, 1>.self, accumulate: accumulate, y)
            case (5, 1, 1): run(FourRows<5, 1, 1>.self, accumulate: accumulate, y)
            case (5, 2, 1): run(FourRows<5, 2, 1>.self, accumulate: accumulate, y)
            case (3, 1, _): run(FourRows<3, 1, 2>.self, accumulate: accumulate, y)
            case (3, _, _): run(FourRows<3, 2, 2>.self, accumulate: accumulate, y)
            case (_, 1, _): run(FourRows<5, 1, 2>.self, accumulate: accumulate, y)
            default: run(FourRows<5, 2, 2>.self, accumulate: accumulate, y)
            }
            let values = expected.planar(0)
            if accumulate {
                #expect(relativeDifference(y.planar(0), values.map { 2 * Double($0) }) < 2e-6)
            } else {
                #expect(y.planar(0) == values)
                #expect(values.contains { $0 != 0 })
            }
        }
    }

    @Test("a normalised, rectified value and its gradient agree with plain loops", arguments: shapes)
    func normalizedRectifier(_ shape: (Int, Int, Int)) {
        let (channels, height, width) = shape
        let arena = Arena()
        let y = Planar.random(channels, height, width, stream: 3)
        let d = Planar.random(channels, height, width, stream: 4)
        let padded = (channels + 7) / 8 * 8
        let (a, c) = (arena.floats(padded), arena.floats(padded))
        for channel in 0..<channels {
            a[channel] = 0.5 + Float(channel)
            c[channel] = 0.25 * Float(channel) - 0.5
        }
        let pixels = height * width
        let normalized = y.values.enumerated().map { Double(a[$0 / pixels]) * $1 + Double(c[$0 / pixels]) }
        let source = y.blocked(arena)
        let z = arena.tensor(images: 1, channels: channels, height: height, width: width, padding: 2)
        NormalizedRectifier.forward(
            source, image: 0, coefficients: a, constants: c, into: z, outputImage: 0)
        #expect(relativeDifference(z.planar(0), normalized.map { max($0, 0) }) < 1e-6)

        let gradient = d.blocked(arena)
        let sums = arena.doubles(2 * padded)
        NormalizedRectifier.backward(
            gradient, y: source, image: 0, coefficients: a, constants: c, sums: sums)
        let passed = zip(d.values, normalized).map { $1 > 0 ? $0 : 0 }
        #expect(relativeDifference(gradient.planar(0), passed) < 1e-6)
        for channel in 0..<channels {
            let range = channel * pixels..<(channel + 1) * pixels
            let scale = range.map { abs(d.values[$0]) }.reduce(1, +) * 4
            #expect(abs(sums[channel] - range.map { passed[$0] }.reduce(0, +)) < 1e-6 * scale)
            #expect(
                abs(sums[padded + channel] - range.map { passed[$0] * y.values[$0] }.reduce(0, +)) < 1e-6 * scale)
        }
    }
}
