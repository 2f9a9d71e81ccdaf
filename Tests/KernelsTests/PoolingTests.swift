import Testing

@testable import Kernels

@Suite("Pooling 3×3 with stride")
struct PoolingTests {
    /// Channels, height, width.
    static let shapes = [(1, 1, 1), (4, 2, 3), (8, 8, 8), (9, 7, 5), (12, 3, 16)]

    private static func window(_ centre: Int, _ size: Int) -> [Int] {
        (centre - 1...centre + 1).filter { (0..<size).contains($0) }
    }

    /// The maximum's value and the place of the first one, or the mean, of every window.
    private static func pools(
        _ x: Planar, stride: Int
    ) -> (maximum: Planar, places: [(Int, Int, Int)], average: Planar) {
        var maximum = Planar(
            channels: x.channels, height: (x.height - 1) / stride + 1, width: (x.width - 1) / stride + 1)
        var average = maximum
        var places: [(Int, Int, Int)] = []
        for c in 0..<x.channels {
            for row in 0..<maximum.height {
                for column in 0..<maximum.width {
                    var best: (Double, Int, Int)?
                    var sum = 0.0
                    var count = 0.0
                    for r in window(row * stride, x.height) {
                        for k in window(column * stride, x.width) {
                            if best.map({ x[c, r, k] > $0.0 }) ?? true { best = (x[c, r, k], r, k) }
                            sum += x[c, r, k]
                            count += 1
                        }
                    }
                    maximum[c, row, column] = best?.0 ?? .nan
                    average[c, row, column] = sum / count
                    places.append((c, best?.1 ?? -1, best?.2 ?? -1))
                }
            }
        }
        return (maximum, places, average)
    }

    @Test("maximum pooling and its gradient, ties to the first, agree with plain loops", arguments: shapes, [1, 2])
    func maximum(_ shape: (Int, Int, Int), stride: Int) {
        let (channels, height, width) = shape
        var x = Planar.random(channels, height, width, stream: 1)
        // Many ties.
        for i in x.values.indices { x.values[i] = (x.values[i] * 2).rounded() }
        let (expected, places, _) = Self.pools(x, stride: stride)
        let arena = Arena()
        let input = x.blocked(arena, padding: 1)
        let y = arena.tensor(images: 2, channels: channels, height: expected.height, width: expected.width)
        MaximumPool3.forward(input, image: 0, stride: stride, into: y, outputImage: 1)
        #expect(y.planar(1) == expected.values.map { Float($0) })

        let d = Planar.random(channels, expected.height, expected.width, stream: 2)
        var dx = Planar.random(channels, height, width, stream: 3)
        let target = dx.blocked(arena)
        for (i, place) in places.enumerated() { dx[place.0, place.1, place.2] += d.values[i] }
        let output = expected.blocked(arena)
        MaximumPool3.addAdjoint(
            d.blocked(arena), gradientImage: 0, x: input, y: output, image: 0, stride: stride, into: target,
            inputImage: 0)
        #expect(relativeDifference(target.planar(0), dx.values) < 1e-6)
    }

    @Test("average pooling and its gradient agree with plain loops", arguments: shapes, [1, 2])
    func average(_ shape: (Int, Int, Int), stride: Int) {
        let (channels, height, width) = shape
        let x = Planar.random(channels, height, width, stream: 1)
        let (_, _, expected) = Self.pools(x, stride: stride)
        let arena = Arena()
        let y = arena.tensor(images: 2, channels: channels, height: expected.height, width: expected.width)
        StridedAveragePool3.forward(x.blocked(arena), image: 0, stride: stride, into: y, outputImage: 1)
        #expect(relativeDifference(y.planar(1), expected.values) < 1e-6)

        let d = Planar.random(channels, expected.height, expected.width, stream: 2)
        var dx = Planar.random(channels, height, width, stream: 3)
        let target = dx.blocked(arena)
        for c in 0..<channels {
            for row in 0..<d.height {
                for column in 0..<d.width {
                    let (rows, columns) = (
                        Self.window(row * stride, height), Self.window(column * stride, width)
                    )
                    for r in rows {
                        for k in columns { dx[c, r, k] += d[c, row, column] / Double(rows.count * columns.count) }
                    }
                }
            }
        }
        StridedAveragePool3.addAdjoint(
            d.blocked(arena), gradientImage: 0, stride: stride, into: target, inputImage: 0)
        #expect(relativeDifference(target.planar(0), dx.values) < 1e-6)
    }

    @Test("spreading every second pixel is the adjoint of reading it", arguments: [0, 1])
    func spread(offset: Int) {
        let arena = Arena()
        let source = Planar.random(9, 3, 4, stream: 1)
        var expected = Planar.random(9, 6, 8, stream: 2)
        let target = expected.blocked(arena, padding: 1)
        for c in 0..<9 {
            for row in 0..<3 {
                for column in 0..<4 { expected[c, 2 * row + offset, 2 * column + offset] += source[c, row, column] }
            }
        }
        target.addSpread(source.blocked(arena), sourceImage: 0, offset: offset, image: 0)
        #expect(relativeDifference(target.planar(0), expected.values) < 1e-6)
    }

    @Test("global pooling gives means, and its gradient goes to every pixel", arguments: shapes)
    func global(_ shape: (Int, Int, Int)) {
        let (channels, height, width) = shape
        let x = Planar.random(channels, height, width, stream: 1)
        let arena = Arena()
        var features = [Float](repeating: .nan, count: channels)
        GlobalAveragePool.forward(x.blocked(arena), image: 0, into: &features)
        let pixels = height * width
        let means = (0..<channels).map { c in
            x.values[c * pixels..<(c + 1) * pixels].reduce(0, +) / Double(pixels)
        }
        #expect(relativeDifference(features, means) < 1e-6)
        let dx = x.blocked(arena)
        GlobalAveragePool.backward(features, into: dx, image: 0)
        let expected = (0..<channels * pixels).map { Double(features[$0 / pixels]) / Double(pixels) }
        #expect(relativeDifference(dx.planar(0), expected) < 1e-6)
    }
}
