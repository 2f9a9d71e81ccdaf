import Testing

@testable import Kernels

@Suite("Cell kernels")
struct CellKernelsTests {
    static let shapes = [(1, 1, 1), (3, 2, 5), (8, 7, 7), (20, 8, 9), (16, 32, 32)]

    @Test("average pooling 3×3 counts no padding, and its adjoint is its transpose", arguments: shapes)
    func averagePool(_ channels: Int, _ height: Int, _ width: Int) {
        let arena = Arena()
        let x = Planar.random(channels, height, width, stream: 1)
        let d = Planar.random(channels, height, width, stream: 2)
        var expected = Planar(channels: channels, height: height, width: width)
        var transposed = expected
        for c in 0..<channels {
            for y in 0..<height {
                for column in 0..<width {
                    let rows = max(y - 1, 0)...min(y + 1, height - 1)
                    let columns = max(column - 1, 0)...min(column + 1, width - 1)
                    for r in rows {
                        for k in columns {
                            expected[c, y, column] += x[c, r, k] / Double(rows.count * columns.count)
                            transposed[c, r, k] += d[c, y, column] / Double(rows.count * columns.count)
                        }
                    }
                }
            }
        }
        let input = x.blocked(arena)
        let output = arena.tensor(images: 1, channels: channels, height: height, width: width)
        AveragePool3.forward(input, image: 0, into: output, outputImage: 0)
        #expect(relativeDifference(output.planar(0), expected.values) < 1e-6)

        // Together with the gradient through a rectifier.
        let r = Planar.random(channels, height, width, stream: 3)
        for i in transposed.values.indices where x.values[i] > 0 { transposed.values[i] += r.values[i] }
        let gradient = d.blocked(arena)
        AveragePool3.divideByCount(gradient, image: 0)
        let dx = arena.tensor(images: 1, channels: channels, height: height, width: width)
        AveragePool3.addAdjoint(
            gradient, dImage: 0, x: input, xImage: 0, rectified: r.blocked(arena), rImage: 0, into: dx, dxImage: 0)
        #expect(relativeDifference(dx.planar(0), transposed.values) < 1e-6)
    }

    @Test("average pooling 2×2 and its adjoint", arguments: [(1, 2, 2), (9, 4, 6), (16, 16, 16)])
    func averagePool2(_ channels: Int, _ height: Int, _ width: Int) {
        let arena = Arena()
        let x = Planar.random(channels, height, width, stream: 1)
        let d = Planar.random(channels, height / 2, width / 2, stream: 2)
        var expected = Planar(channels: channels, height: height / 2, width: width / 2)
        var transposed = Planar(channels: channels, height: height, width: width)
        for c in 0..<channels {
            for y in 0..<height {
                for column in 0..<width {
                    expected[c, y / 2, column / 2] += x[c, y, column] / 4
                    transposed[c, y, column] = d[c, y / 2, column / 2] / 4
                }
            }
        }
        let output = arena.tensor(images: 1, channels: channels, height: height / 2, width: width / 2)
        AveragePool2.forward(x.blocked(arena), image: 0, into: output, outputImage: 0)
        #expect(relativeDifference(output.planar(0), expected.values) < 1e-6)
        let dx = arena.tensor(images: 1, channels: channels, height: height, width: width)
        AveragePool2.addAdjoint(d.blocked(arena), image: 0, into: dx, inputImage: 0)
        #expect(relativeDifference(dx.planar(0), transposed.values) < 1e-6)
    }

    @Test("a rectifier passes what is above zero, and the gradient there", arguments: shapes)
    func rectifier(_ channels: Int, _ height: Int, _ width: Int) {
        let arena = Arena()
        let x = Planar.random(channels, height, width, stream: 5)
        let input = x.blocked(arena)
        let output = arena.tensor(images: 1, channels: channels, height: height, width: width, padding: 1)
        Rectifier.forward(input, image: 0, into: output, targetImage: 0)
        #expect(output.planar(0).map { Double($0) } == x.values.map { max($0, 0) })
        let d = Planar.random(channels, height, width, stream: 6)
        let dx = arena.tensor(images: 1, channels: channels, height: height, width: width)
        Rectifier.backward(
            d.blocked(arena), dImage: 0, x: input, xImage: 0, into: dx, dxImage: 0, accumulate: false)
        #expect(dx.planar(0).map { Double($0) } == zip(d.values, x.values).map { $1 > 0 ? $0 : 0 })
    }

    @Test("weighted sums and channel sums agree with plain loops", arguments: shapes, [1, 2, 3, 4])
    func sums(_ shape: (Int, Int, Int), _ count: Int) {
        let (channels, height, width) = shape
        let arena = Arena()
        let sources = (0..<count).map { Planar.random(channels, height, width, stream: 10 + $0) }
        let d = Planar.random(channels, height, width, stream: 20)
        let tensors = sources.map { $0.blocked(arena, padding: 1) }
        let padded = (channels + 7) / 8 * 8
        let constants = arena.floats(padded)
        var terms: [WeightedTerm] = []
        for n in 0..<count {
            let coefficients = arena.floats(padded)
            for c in 0..<channels {
                coefficients[c] = Float(n + 1) * 0.5 - Float(c)
                constants[c] = Float(c) * 0.25
            }
            terms.append(WeightedTerm(tensors[n], UnsafePointer(coefficients)))
        }
        let target = d.blocked(arena)
        WeightedSum.compute(
            terms, constants: UnsafePointer(constants), image: 0, into: target, targetImage: 0, accumulate: true)
        let pixels = height * width
        let expected = d.values.indices.map { i in
            let c = i / pixels
            var sum = d.values[i] + Double(c) * 0.25
            for n in 0..<count { sum += (Double(n + 1) * 0.5 - Double(c)) * sources[n].values[i] }
            return sum
        }
        #expect(relativeDifference(target.planar(0), expected) < 1e-6)

        let results = arena.doubles((1 + count) * padded)
        ChannelSums.accumulate(d.blocked(arena), tensors, image: 0, into: results)
        for c in 0..<channels {
            let range = c * pixels..<(c + 1) * pixels
            let scale = range.map { abs(d.values[$0]) }.reduce(0, +) * 4
            #expect(abs(results[c] - range.map { d.values[$0] }.reduce(0, +)) <= 1e-6 * scale)
            for n in 0..<count {
                let sum = range.map { d.values[$0] * sources[n].values[$0] }.reduce(0, +)
                #expect(abs(results[(n + 1) * padded + c] - sum) <= 2e-6 * scale)
            }
        }
    }

    @Test("batch norm's gradient agrees with differences of its forward pass")
    func batchNorm() {
        let values: [Double] = [0.3, -1.2, 2.5, 0.8, -0.4, 1.1]
        let weights: [Double] = [0.7, -0.2, 1.3, 0.1, -0.9, 0.4]
        let (gamma, bias): (Float, Float) = (1.7, -0.3)
        func loss(_ y: [Double]) -> Double {
            let mean = y.reduce(0, +) / 6
            let variance = y.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 6
            let s = 1 / (variance + BatchNormalization.epsilon).squareRoot()
            return zip(y, weights).map { ($0 - mean) * s * Double(gamma) * $1 + Double(bias) * $1 }.reduce(0, +)
        }
        let arena = Arena()
        let (sums, mean, deviation) = (arena.doubles(16), arena.doubles(8), arena.doubles(8))
        sums[0] = values.reduce(0, +)
        sums[8] = values.map { $0 * $0 }.reduce(0, +)
        BatchNormalization.statistics(sums: sums, channels: 1, count: 6, mean: mean, inverseDeviation: deviation)
        var dSum = weights.reduce(0, +)
        var dySum = zip(values, weights).map { $0 * $1 }.reduce(0, +)
        let (a, b, c) = (arena.floats(8), arena.floats(8), arena.floats(8))
        var gammaValue = gamma
        let normalized = arena.doubles(8)
        BatchNormalization.backwardCoefficients(
            weight: 1, channels: 1, count: 6, mean: mean, inverseDeviation: deviation, gamma: &gammaValue, dSum: &dSum,
            dySum: &dySum, a: a, b: b, c: c, normalized: normalized)
        for i in values.indices {
            var (up, down) = (values, values)
            up[i] += 1e-5
            down[i] -= 1e-5
            let expected = (loss(up) - loss(down)) / 2e-5
            let found = Double(a[0]) * weights[i] + Double(b[0]) * values[i] + Double(c[0])
            #expect(abs(found - expected) < 1e-5, "element \(i)")
        }
    }
}
