import Testing

@testable import Kernels

/// Channels that do and do not fill blocks; planes of one tile and of several, not square.
struct WinogradCase: CustomTestStringConvertible, Sendable {
    var outputs: Int
    var inputs: Int
    var height: Int
    var width: Int

    var testDescription: String { "\(inputs)→\(outputs) \(height)×\(width)" }
    var tiles: Int { WinogradConvolution.tiles(height: height, width: width) }
    var convolution: WinogradConvolution { WinogradConvolution(inputChannels: inputs, outputChannels: outputs) }

    static let all: [WinogradCase] = {
        var cases: [WinogradCase] = []
        for (outputs, inputs) in [(1, 1), (4, 3), (8, 8), (16, 16), (24, 8), (13, 20), (32, 5), (40, 20), (56, 29)] {
            for (height, width) in [(4, 4), (8, 8), (4, 12), (28, 20)] {
                cases.append(WinogradCase(outputs: outputs, inputs: inputs, height: height, width: width))
            }
        }
        return cases
    }()
}

/// All steps for one image, in groups of some rows of tiles.
private struct Transformed {
    let output: BlockedTensor
    let sums: UnsafeMutablePointer<Double>
    let gradient: UnsafeMutablePointer<Float>

    init(
        _ c: WinogradCase, _ input: BlockedTensor, _ dy: BlockedTensor, _ direct: UnsafePointer<Float>, arena: Arena,
        rows: Int, offset: Int
    ) {
        let winograd = c.convolution
        let packed = arena.floats(winograd.packedCount)
        winograd.transformWeights(direct, into: packed)
        let capacity = rows * c.width / 4 + offset
        let v = TransformedTiles(channels: c.inputs, capacity: capacity, arena: arena)
        let m = TransformedTiles(channels: c.outputs, capacity: capacity, arena: arena)
        let strip = arena.floats(TransformedTiles.stripCount(width: c.width))
        output = arena.tensor(images: 1, channels: c.outputs, height: c.height, width: c.width)
        sums = arena.doubles(output.blocks * 16)
        gradient = arena.floats(winograd.gradientCount)
        for start in stride(from: 0, to: c.height / 4, by: rows) {
            let tileRows = start..<min(start + rows, c.height / 4)
            let tiles = offset + tileRows.count * c.width / 4
            v.transformInput(input, image: 0, tileRows: tileRows, at: offset, strip: strip)
            winograd.multiply(v, packed: packed, tiles: tiles, into: m)
            m.transformOutput(into: output, image: 0, tileRows: tileRows, from: offset, sums: sums, strip: strip)
            // `offset` tiles of zeros before those of the image change nothing.
            m.transformGradient(dy, image: 0, tileRows: tileRows, at: offset, strip: strip)
            for position in 0..<36 {
                for block in 0..<m.blocks {
                    let (start, step) = m.place(of: block)
                    for tile in 0..<offset { m.base[position * m.positionPitch + start + tile * step] = .zero }
                }
            }
            winograd.addWeightsGradient(v, m, tiles: tiles, into: gradient)
        }
    }
}

@Suite("Winograd convolution")
struct WinogradTests {
    @Test("forward, sums and both gradients agree with plain loops in Double", arguments: WinogradCase.all)
    func passes(_ c: WinogradCase) {
        let arena = Arena()
        let plain = PlainConvolution(c.outputs, c.inputs, 3, 1)
        let direct = Convolution(inputChannels: c.inputs, outputChannels: c.outputs, kernel: 3)
        let weights = plain.weights.map { Float($0) }
        let x = Planar.random(c.inputs, c.height, c.width, stream: 1)
        let dy = Planar.random(c.outputs, c.height, c.width, stream: 2)
        let packed = arena.floats(direct.packedCount)
        direct.pack(weights, into: packed)
        let result = Transformed(
            c, x.blocked(arena, padding: 1), dy.blocked(arena, padding: 1), packed, arena: arena,
            rows: c.height / 4, offset: 0)
        #expect(relativeDifference(result.output.planar(0), plain.forward(x).values) < 2e-5)

        let outputs = result.output.planar(0).map { Double($0) }
        let pixels = c.height * c.width
        for channel in 0..<c.outputs {
            let values = outputs[channel * pixels..<(channel + 1) * pixels]
            let scale = values.map { abs($0) }.reduce(0, +)
            #expect(abs(result.sums[channel / 8 * 16 + channel % 8] - values.reduce(0, +)) <= 1e-6 * scale)
            let squares = values.map { $0 * $0 }.reduce(0, +)
            #expect(abs(result.sums[channel / 8 * 16 + 8 + channel % 8] - squares) <= 1e-6 * squares)
        }

        var flat = [Float](repeating: 0, count: weights.count)
        c.convolution.unpackGradient(result.gradient, into: &flat)
        #expect(relativeDifference(flat, plain.weightsGradient(x, dy)) < 2e-5)
    }

    @Test("gradients by input add up before and after the transform back", arguments: WinogradCase.all)
    func adjoint(_ c: WinogradCase) {
        let arena = Arena()
        let plain = PlainConvolution(c.outputs, c.inputs, 3, 1)
        let adjoint = Convolution(inputChannels: c.inputs, outputChannels: c.outputs, kernel: 3).adjoint
        let winograd = WinogradConvolution(inputChannels: c.outputs, outputChannels: c.inputs)
        let direct = arena.floats(adjoint.packedCount)
        adjoint.packTransposed(plain.weights.map { Float($0) }, into: direct)
        let packed = arena.floats(winograd.packedCount)
        winograd.transformWeights(direct, into: packed)
        // The image's tiles come after others, which stay out of it.
        let offset = 3
        let d = TransformedTiles(channels: c.outputs, capacity: offset + c.tiles, arena: arena)
        let m = TransformedTiles(channels: c.inputs, capacity: offset + c.tiles, arena: arena)
        d.base.update(repeating: Lanes(repeating: 1e6), count: 36 * d.positionPitch)
        let strip = arena.floats(TransformedTiles.stripCount(width: c.width))
        let dx = arena.tensor(images: 1, channels: c.inputs, height: c.height, width: c.width)
        var expected = [Double](repeating: 0, count: c.inputs * c.height * c.width)
        // Two gradients add up before one transform back, and that adds to what is there.
        for stream in 0..<2 {
            let dy = Planar.random(c.outputs, c.height, c.width, stream: stream)
            d.transformGradient(
                dy.blocked(arena), image: 0, tileRows: 0..<c.height / 4, at: offset, strip: strip)
            winograd.multiply(d, packed: packed, tiles: offset + c.tiles, into: m, accumulate: stream > 0)
            let part = plain.inputGradient(dy, height: c.height, width: c.width)
            for i in expected.indices { expected[i] += 2 * part.values[i] }
        }
        for pass in 0..<2 {
            m.transformInputGradient(into: dx, image: 0, from: offset, accumulate: pass > 0, strip: strip)
        }
        #expect(relativeDifference(dx.planar(0), expected) < 2e-5)
    }

    @Test("the number of tiles that go through together changes no bit", arguments: [(1, 0), (2, 3), (3, 1), (7, 5)])
    func grouping(_ rows: Int, _ offset: Int) {
        let arena = Arena()
        let c = WinogradCase(outputs: 56, inputs: 24, height: 28, width: 32)
        let direct = Convolution(inputChannels: c.inputs, outputChannels: c.outputs, kernel: 3)
        let packed = arena.floats(direct.packedCount)
        direct.pack(PlainConvolution(c.outputs, c.inputs, 3, 1).weights.map { Float($0) }, into: packed)
        let x = Planar.random(c.inputs, c.height, c.width, stream: 1).blocked(arena, padding: 1)
        let dy = Planar.random(c.outputs, c.height, c.width, stream: 2).blocked(arena)
        let whole = Transformed(c, x, dy, packed, arena: arena, rows: 7, offset: 0)
        let parts = Transformed(c, x, dy, packed, arena: arena, rows: rows, offset: offset)
        #expect(whole.output.planar(0) == parts.output.planar(0))
        for i in 0..<whole.output.blocks * 16 { #expect(whole.sums[i] == parts.sums[i]) }
        let count = c.convolution.gradientCount
        #expect((0..<count).allSatisfy { whole.gradient[$0] == parts.gradient[$0] })
    }
}
