import COpenBLAS
import Testing

@testable import Kernels

/// Odd on purpose: one pixel, one channel, channels that do not fill a block, sizes that do not fill a tile.
struct ConvolutionCase: CustomTestStringConvertible, Sendable {
    var outputs: Int
    var inputs: Int
    var height: Int
    var width: Int
    var kernel: Int
    var stride: Int

    var testDescription: String { "\(inputs)→\(outputs) \(height)×\(width) k\(kernel) s\(stride)" }

    static let all: [ConvolutionCase] = {
        var cases: [ConvolutionCase] = []
        for (outputs, inputs) in [(1, 1), (4, 3), (8, 8), (16, 16), (24, 8), (13, 20), (32, 5), (24, 40)] {
            for (height, width) in [(1, 1), (2, 3), (7, 7), (8, 8), (9, 13), (16, 32)] {
                for (kernel, stride) in [(1, 1), (3, 1), (3, 2), (1, 2)] {
                    cases.append(
                        ConvolutionCase(
                            outputs: outputs, inputs: inputs, height: height, width: width, kernel: kernel,
                            stride: stride))
                }
            }
        }
        return cases
    }()
}

@Suite("Convolution")
struct ConvolutionTests {
    @Test("all three passes agree with plain loops in Double", arguments: ConvolutionCase.all)
    func passes(_ c: ConvolutionCase) {
        let arena = Arena()
        let plain = PlainConvolution(c.outputs, c.inputs, c.kernel, c.stride)
        let convolution = Convolution(
            inputChannels: c.inputs, outputChannels: c.outputs, kernel: c.kernel, stride: c.stride)
        let weights = plain.weights.map { Float($0) }
        let x = Planar.random(c.inputs, c.height, c.width, stream: 1)
        let input = x.blocked(arena, padding: 1)

        let packed = arena.floats(convolution.packedCount)
        convolution.pack(weights, into: packed)
        let expected = plain.forward(x)
        let output = arena.tensor(images: 1, channels: c.outputs, height: expected.height, width: expected.width)
        let sums = arena.doubles(output.blocks * 16)
        convolution.forward(input, image: 0, packed: packed, into: output, outputImage: 0, sums: sums)
        #expect(relativeDifference(output.planar(0), expected.values) < 2e-6)
        let outputs = output.planar(0).map { Double($0) }
        let pixels = expected.height * expected.width
        for channel in 0..<c.outputs {
            let values = outputs[channel * pixels..<(channel + 1) * pixels]
            let scale = values.map { abs($0) }.reduce(0, +)
            #expect(abs(sums[channel / 8 * 16 + channel % 8] - values.reduce(0, +)) <= 1e-6 * scale)
            let squares = values.map { $0 * $0 }.reduce(0, +)
            #expect(abs(sums[channel / 8 * 16 + 8 + channel % 8] - squares) <= 1e-6 * squares)
        }

        let dy = Planar.random(c.outputs, expected.height, expected.width, stream: 2)
        let gradient = dy.blocked(arena, padding: 1)
        let blocked = arena.floats(convolution.gradientCount)
        convolution.weightsGradient(input, image: 0, gradient, gradientImage: 0, into: blocked)
        var flat = [Float](repeating: 0, count: weights.count)
        convolution.unpackGradient(blocked, scale: 1, into: &flat)
        #expect(relativeDifference(flat, plain.weightsGradient(x, dy)) < 3e-6)

        let expectedInput = plain.inputGradient(dy, height: c.height, width: c.width)
        let dx = arena.tensor(images: 1, channels: c.inputs, height: c.height, width: c.width)
        if c.stride == 2 {
            let adjoint = StridedAdjoint(convolution)
            let packedAdjoint = arena.floats(adjoint.packedCount)
            adjoint.pack(weights, into: packedAdjoint)
            adjoint.apply(gradient, image: 0, packed: packedAdjoint, into: dx, inputImage: 0)
            #expect(relativeDifference(dx.planar(0), expectedInput.values) < 2e-6)
            return
        }
        let adjoint = convolution.adjoint
        let packedAdjoint = arena.floats(adjoint.packedCount)
        adjoint.packFlipped(weights, into: packedAdjoint)
        adjoint.forward(gradient, image: 0, packed: packedAdjoint, into: dx, outputImage: 0)
        #expect(relativeDifference(dx.planar(0), expectedInput.values) < 2e-6)
        adjoint.forward(gradient, image: 0, packed: packedAdjoint, into: dx, outputImage: 0, accumulate: true)
        #expect(relativeDifference(dx.planar(0), expectedInput.values.map { 2 * $0 }) < 2e-6)
    }

    @Test("the forward pass agrees with im2col and OpenBLAS", arguments: [(16, 16, 32), (64, 64, 8), (12, 20, 14)])
    func openBLAS(_ outputs: Int, _ inputs: Int, _ size: Int) {
        let arena = Arena()
        let plain = PlainConvolution(outputs, inputs, 3, 1)
        let x = Planar.random(inputs, size, size, stream: 3)
        var columns = [Float](repeating: 0, count: inputs * 9 * size * size)
        for i in 0..<inputs {
            for tap in 0..<9 {
                for y in 0..<size {
                    for column in 0..<size {
                        columns[((i * 9 + tap) * size + y) * size + column] =
                            Float(x[i, y + tap / 3 - 1, column + tap % 3 - 1])
                    }
                }
            }
        }
        let weights = plain.weights.map { Float($0) }
        var expected = [Float](repeating: 0, count: outputs * size * size)
        cblas_sgemm(
            CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(outputs), blasint(size * size), blasint(inputs * 9), 1,
            weights, blasint(inputs * 9), columns, blasint(size * size), 0, &expected, blasint(size * size))
        let convolution = Convolution(inputChannels: inputs, outputChannels: outputs, kernel: 3)
        let packed = arena.floats(convolution.packedCount)
        convolution.pack(weights, into: packed)
        let output = arena.tensor(images: 1, channels: outputs, height: size, width: size)
        convolution.forward(x.blocked(arena, padding: 1), image: 0, packed: packed, into: output, outputImage: 0)
        #expect(relativeDifference(output.planar(0), expected.map { Double($0) }) < 3e-6)
    }

    @Test("an image's numbers do not depend on the images beside it")
    func neighbours() {
        let arena = Arena()
        let convolution = Convolution(inputChannels: 12, outputChannels: 20, kernel: 3)
        let packed = arena.floats(convolution.packedCount)
        convolution.pack(PlainConvolution(20, 12, 3, 1).weights.map { Float($0) }, into: packed)
        let x = Planar.random(12, 11, 11, stream: 4)
        let alone = arena.tensor(images: 1, channels: 20, height: 11, width: 11)
        convolution.forward(x.blocked(arena, padding: 1), image: 0, packed: packed, into: alone, outputImage: 0)
        let together = arena.tensor(images: 3, channels: 20, height: 11, width: 11)
        convolution.forward(
            x.blocked(arena, padding: 2, images: 3, image: 2), image: 2, packed: packed, into: together, outputImage: 1)
        #expect(alone.planar(0).map(\.bitPattern) == together.planar(1).map(\.bitPattern))
    }
}
