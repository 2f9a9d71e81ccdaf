import Testing

@testable import Kernels

@Suite("Cell kernels")
struct CellKernelsTests {
    static let shapes = [(1, 1, 1), (3, 2, 5), (8, 7, 7), (20, 8, 9), (16, 32, 32)]

    /// A weighted sum of tensors with everything that may be added to it, forward and as a node's gradient.
    @Test("weighted, pooled and rectified sums agree with plain loops", arguments: shapes, [0, 1, 3, 9])
    func weightedSum(_ shape: (Int, Int, Int), _ count: Int) {
        let (channels, height, width) = shape
        let arena = Arena()
        let pool = AveragePool3(height: height, width: width, arena: arena)
        let coefficients = Coefficients(channels: channels, arena: arena)
        let sources = (0..<max(count, 1)).map { Planar.random(channels, height, width, stream: 10 + $0) }
        let tensors = sources.map { $0.blocked(arena) }
        var terms = WeightedTerms()
        for n in 0..<count { terms.append(tensors[n], coefficients.pointer(n)) }
        let target = arena.tensor(images: 1, channels: channels, height: height, width: width)

        for pools in 0...min(3, sources.count) {
            var pooled = WeightedTerms()
            for n in 0..<pools { pooled.append(tensors[n], coefficients.pointer(n + 1)) }
            var expected = Planar(channels: channels, height: height, width: width)
            var gradient = expected
            for c in 0..<channels {
                for y in 0..<height {
                    for x in 0..<width {
                        expected[c, y, x] += coefficients.value(9, c)
                        for n in 0..<count {
                            expected[c, y, x] += coefficients.value(n, c) * sources[n][c, y, x]
                            gradient[c, y, x] += coefficients.value(n, c) * sources[n][c, y, x]
                        }
                        let rows = max(y - 1, 0)...min(y + 1, height - 1)
                        let columns = max(x - 1, 0)...min(x + 1, width - 1)
                        for n in 0..<pools {
                            let factor = coefficients.value(n + 1, c) / Double(rows.count * columns.count)
                            for r in rows {
                                for k in columns {
                                    expected[c, y, x] += factor * sources[n][c, r, k]
                                    gradient[c, r, k] += factor * sources[n][c, y, x]
                                }
                            }
                        }
                    }
                }
            }
            // Absent lanes and padding stay zero.
            let rectified = arena.tensor(images: 1, channels: channels, height: height, width: width, padding: 1)
            WeightedSum.compute(
                terms, pooled: pooled, pool: pool, constants: coefficients.pointer(9), image: 0,
                into: ImageOf(target, image: 0), rectified: ImageOf(rectified, image: 0))
            #expect(relativeDifference(target.planar(0), expected.values) < 2e-6)
            #expect(rectified.planar(0) == target.planar(0).map { max($0, 0) })
            WeightedSum.compute(
                terms, pooled: pooled, pool: pool, constants: coefficients.pointer(9), image: 0,
                into: ImageOf(target, image: 0))
            #expect(rectified.planar(0) == target.planar(0).map { max($0, 0) })

            let r = Planar.random(channels, height, width, stream: 3)
            let x = Planar.random(channels, height, width, stream: 4)
            for i in gradient.values.indices where x.values[i] > 0 { gradient.values[i] += r.values[i] }
            WeightedSum.gradient(
                terms, pooled: pooled, pool: pool, image: 0, r: ImageOf(r.blocked(arena), image: 0),
                x: ImageOf(x.blocked(arena, padding: 1), image: 0), into: ImageOf(target, image: 0))
            #expect(relativeDifference(target.planar(0), gradient.values) < 2e-6)
        }
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
        Rectifier.backward(d.blocked(arena), dImage: 0, x: input, xImage: 0, into: dx, dxImage: 0)
        #expect(dx.planar(0).map { Double($0) } == zip(d.values, x.values).map { $1 > 0 ? $0 : 0 })
    }

    @Test("sums of products with a gradient agree with plain loops", arguments: shapes, [1, 2, 6, 9])
    func channelSums(_ shape: (Int, Int, Int), _ count: Int) {
        let (channels, height, width) = shape
        let arena = Arena()
        let d = Planar.random(channels, height, width, stream: 20)
        let sources = (0..<count).map { Planar.random(channels, height, width, stream: 10 + $0) }
        let tensors = sources.map { $0.blocked(arena) }
        let padded = (channels + 7) / 8 * 8
        /// Σ d × source of a channel agrees with `found`.
        func expect(_ found: Double, _ c: Int, _ source: Planar?) {
            let range = c * height * width..<(c + 1) * height * width
            let products = range.map { d.values[$0] * (source?.values[$0] ?? 1) }
            let scale = products.map { abs($0) }.reduce(0, +)
            #expect(abs(found - products.reduce(0, +)) <= 4e-6 * scale)
        }
        let sums = arena.doubles((1 + count) * padded)
        let gradient = d.blocked(arena)
        ChannelSums.accumulate(gradient, tensors, image: 0, into: sums)
        let single = arena.doubles(2 * padded)
        ChannelSums.accumulate(gradient, tensors[0], image: 0, into: single)
        for c in 0..<channels {
            expect(sums[c], c, nil)
            for n in 0..<count { expect(sums[(n + 1) * padded + c], c, sources[n]) }
            #expect(single[c] == sums[c] && single[padded + c] == sums[padded + c])
        }

        let mixed = arena.doubles(2 * count * padded)
        ChannelSums.accumulateMixed(
            gradient, tensors, image: 0, pool: AveragePool3(height: height, width: width, arena: arena),
            ones: Coefficients(channels: channels, arena: arena).ones, into: mixed)
        for (n, source) in sources.enumerated() {
            let pooled = source.averagePooled()
            for c in 0..<channels {
                expect(mixed[n * padded + c], c, source)
                let range = c * height * width..<(c + 1) * height * width
                let sum = range.map { d.values[$0] * pooled.values[$0] }.reduce(0, +)
                let scale = range.map { abs(d.values[$0]) }.reduce(0, +)
                #expect(abs(mixed[(count + n) * padded + c] - sum) <= 4e-6 * scale)
            }
        }
    }

    @Test("gradients by the inputs of batch norms agree with plain loops", arguments: shapes)
    func normGradient(_ channels: Int, _ height: Int, _ width: Int) {
        let arena = Arena()
        let coefficients = Coefficients(channels: channels, arena: arena)
        let d = Planar.random(channels, height, width, stream: 1)
        let y = [2, 3].map { Planar.random(channels, height, width, stream: $0) }
        let targets = [0, 1].map {
            arena.tensor(images: 2, channels: channels, height: height, width: width, padding: $0)
        }
        let norms = (0..<2).map { i in
            NormGradient.Norm(
                y: y[i].blocked(arena), a: coefficients.pointer(3 * i), b: coefficients.pointer(3 * i + 1),
                c: coefficients.pointer(3 * i + 2), target: targets[i], targetImage: 1)
        }
        NormGradient.compute(d.blocked(arena), image: 0, norms[0], norms[1])
        let both = targets.map { $0.planar(1) }
        for i in 0..<2 {
            let expected = d.values.indices.map { place in
                let channel = place / (height * width)
                return coefficients.value(3 * i, channel) * d.values[place]
                    + coefficients.value(3 * i + 1, channel) * y[i].values[place]
                    + coefficients.value(3 * i + 2, channel)
            }
            #expect(relativeDifference(both[i], expected) < 1e-6)
            NormGradient.compute(d.blocked(arena), image: 0, norms[i])
            #expect(targets[i].planar(1) == both[i])
        }
    }

    @Test("the classifier's pooling and its gradient agree with plain loops", arguments: shapes)
    func classifierPooling(_ channels: Int, _ height: Int, _ width: Int) {
        let arena = Arena()
        let coefficients = Coefficients(channels: channels, arena: arena)
        let (scale, shift) = (coefficients.pointer(0), coefficients.pointer(1))
        let x = Planar.random(channels, height, width, stream: 1)
        let input = x.blocked(arena)
        let (pixels, padded) = (height * width, (channels + 7) / 8 * 8)
        let features = arena.floats(padded)
        let gradient = arena.floats(padded)
        for c in 0..<channels { gradient[c] = Float(c) - 1.5 }
        let dz = arena.tensor(images: 1, channels: channels, height: height, width: width)
        let sums = arena.doubles(2 * padded)
        Classifier.pool(input, image: 0, scale: scale, shift: shift, into: features)
        Classifier.poolBackward(
            gradient, input, image: 0, scale: scale, shift: shift, into: dz, sums: sums)
        let found = dz.planar(0)
        for c in 0..<channels {
            let values = x.values[c * pixels..<(c + 1) * pixels]
            let z = values.map { coefficients.value(0, c) * $0 + coefficients.value(1, c) }
            let mean = z.map { max($0, 0) }.reduce(0, +) / Double(pixels)
            #expect(abs(Double(features[c]) - mean) < 1e-5 * (1 + mean))
            let expected = z.map { $0 > 0 ? gradient[c] / Float(pixels) : 0 }
            #expect(found[c * pixels..<(c + 1) * pixels].elementsEqual(expected))
            let products = zip(values, expected).map { $0 * Double($1) }
            #expect(abs(sums[c] - expected.map { Double($0) }.reduce(0, +)) < 1e-5)
            #expect(abs(sums[padded + c] - products.reduce(0, +)) < 1e-5 * (1 + products.map(abs).reduce(0, +)))
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

/// Ten coefficients for each channel.
private struct Coefficients {
    private let padded: Int
    private let values: UnsafeMutablePointer<Float>
    let ones: UnsafePointer<Float>

    init(channels: Int, arena: Arena) {
        padded = (channels + 7) / 8 * 8
        values = arena.floats(10 * padded)
        for i in 0..<10 {
            for c in 0..<channels { values[i * padded + c] = Float(i + 1) * 0.5 - Float(c) * 0.25 }
        }
        let ones = arena.floats(padded)
        ones.update(repeating: 1, count: padded)
        self.ones = UnsafePointer(ones)
    }

    func pointer(_ index: Int) -> UnsafePointer<Float> { UnsafePointer(values + index * padded) }

    func value(_ index: Int, _ channel: Int) -> Double { Double(values[index * padded + channel]) }
}

extension Planar {
    /// Average pooling 3×3 without the padding in the count.
    fileprivate func averagePooled() -> Planar {
        var result = Planar(channels: channels, height: height, width: width)
        for c in 0..<channels {
            for y in 0..<height {
                for x in 0..<width {
                    let rows = max(y - 1, 0)...min(y + 1, height - 1)
                    let columns = max(x - 1, 0)...min(x + 1, width - 1)
                    for r in rows {
                        for k in columns { result[c, y, x] += self[c, r, k] / Double(rows.count * columns.count) }
                    }
                }
            }
        }
        return result
    }
}
