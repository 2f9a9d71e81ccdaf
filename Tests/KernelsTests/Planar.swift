import Kernels

/// Plain (channels, height, width) tensors in `Double`, and the slow, obvious versions of the kernels on them.
struct Planar: Equatable {
    var channels: Int
    var height: Int
    var width: Int
    var values: [Double]

    init(channels: Int, height: Int, width: Int) {
        self.channels = channels
        self.height = height
        self.width = width
        values = Array(repeating: 0, count: channels * height * width)
    }

    /// Normal draws, rounded to `Float`.
    static func random(_ channels: Int, _ height: Int, _ width: Int, stream: Int) -> Planar {
        var result = Planar(channels: channels, height: height, width: width)
        let draws = Philox(seed: 2024, purpose: .synthetic, stream: stream)
        for i in result.values.indices { result.values[i] = Double(draws.normal(at: i)) }
        return result
    }

    /// Zero outside.
    subscript(_ c: Int, _ y: Int, _ x: Int) -> Double {
        get { y < 0 || x < 0 || y >= height || x >= width ? 0 : values[(c * height + y) * width + x] }
        set { values[(c * height + y) * width + x] = newValue }
    }

    /// As one image of a blocked tensor.
    func blocked(_ arena: Arena, padding: Int = 0, images: Int = 1, image: Int = 0) -> BlockedTensor {
        let tensor = arena.tensor(images: images, channels: channels, height: height, width: width, padding: padding)
        tensor.copyImage(image, fromPlanar: values.map { Float($0) })
        return tensor
    }
}

/// Weights (out, in, k, k).
struct PlainConvolution {
    let outputs: Int
    let inputs: Int
    let kernel: Int
    let stride: Int
    var weights: [Double]

    init(_ outputs: Int, _ inputs: Int, _ kernel: Int, _ stride: Int) {
        (self.outputs, self.inputs, self.kernel, self.stride) = (outputs, inputs, kernel, stride)
        let draws = Philox(seed: 7, purpose: .synthetic, stream: 99)
        weights = (0..<outputs * inputs * kernel * kernel).map { Double(draws.normal(at: $0)) }
    }

    private func forEach(
        _ height: Int, _ width: Int,
        _ body: (_ o: Int, _ i: Int, _ tap: Int, _ y: Int, _ x: Int, _ ky: Int, _ kx: Int) -> Void
    ) {
        for o in 0..<outputs {
            for i in 0..<inputs {
                for ky in 0..<kernel {
                    for kx in 0..<kernel {
                        for y in 0..<height {
                            for x in 0..<width { body(o, i, ky * kernel + kx, y, x, ky, kx) }
                        }
                    }
                }
            }
        }
    }

    private func index(_ o: Int, _ i: Int, _ tap: Int) -> Int { (o * inputs + i) * kernel * kernel + tap }

    func forward(_ x: Planar) -> Planar {
        var y = Planar(
            channels: outputs, height: (x.height - 1) / stride + 1, width: (x.width - 1) / stride + 1)
        forEach(y.height, y.width) { o, i, tap, row, column, ky, kx in
            y[o, row, column] +=
                weights[index(o, i, tap)] * x[i, row * stride + ky - kernel / 2, column * stride + kx - kernel / 2]
        }
        return y
    }

    func inputGradient(_ dy: Planar, height: Int, width: Int) -> Planar {
        var dx = Planar(channels: inputs, height: height, width: width)
        forEach(dy.height, dy.width) { o, i, tap, row, column, ky, kx in
            let (y, x) = (row * stride + ky - kernel / 2, column * stride + kx - kernel / 2)
            if y >= 0 && x >= 0 && y < height && x < width {
                dx[i, y, x] += weights[index(o, i, tap)] * dy[o, row, column]
            }
        }
        return dx
    }

    func weightsGradient(_ x: Planar, _ dy: Planar) -> [Double] {
        var result = [Double](repeating: 0, count: weights.count)
        forEach(dy.height, dy.width) { o, i, tap, row, column, ky, kx in
            result[index(o, i, tap)] +=
                dy[o, row, column] * x[i, row * stride + ky - kernel / 2, column * stride + kx - kernel / 2]
        }
        return result
    }
}

/// The largest difference, as a share of the largest element of `expected`.
func relativeDifference(_ found: [Float], _ expected: [Double]) -> Double {
    precondition(found.count == expected.count)
    let largest = expected.map { abs($0) }.max() ?? 0
    let difference = zip(found, expected).map { abs(Double($0) - $1) }.max() ?? 0
    return difference / max(largest, 1e-30)
}
