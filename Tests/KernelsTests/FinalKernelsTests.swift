import Kernels
import Testing

/// What final networks need of their own.
@Suite struct FinalKernelsTests {
    @Test(
        "average pooling 5×5 with stride 3 and its adjoint are plain loops'",
        arguments: [(1, 3, 5, 5), (2, 12, 8, 8), (1, 8, 11, 9)])
    func windowAverage(_ images: Int, _ channels: Int, _ height: Int, _ width: Int) {
        let arena = Arena()
        let x = arena.tensor(images: images, channels: channels, height: height, width: width, padding: 1)
        let dx = arena.tensor(images: images, channels: channels, height: height, width: width)
        let draws = Philox(seed: 4, purpose: .synthetic)
        let plane = height * width
        let (rows, columns) = (WindowAverage5.outputSize(height), WindowAverage5.outputSize(width))
        let pitch = channels + 2
        for image in 0..<images {
            let values = (0..<channels * plane).map { draws.normal(at: image * 100_000 + $0) }
            x.copyImage(image, fromPlanar: values)
            var found = [Float](repeating: 0, count: rows * columns * pitch)
            WindowAverage5.forward(x, image: image, into: &found, pitch: pitch)
            let gradient = (0..<found.count).map { draws.normal(at: 5_000_000 + $0) }
            WindowAverage5.addAdjoint(gradient, pitch: pitch, into: dx, image: image)
            let spread = dx.planar(image)
            var expected = [Double](repeating: 0, count: channels * plane)
            for channel in 0..<channels {
                for row in 0..<rows {
                    for column in 0..<columns {
                        let place = (row * columns + column) * pitch + channel
                        var sum = 0.0
                        for r in 0..<5 {
                            for c in 0..<5 {
                                let pixel = channel * plane + (3 * row + r) * width + 3 * column + c
                                sum += Double(values[pixel])
                                expected[pixel] += Double(gradient[place]) / 25
                            }
                        }
                        #expect(abs(Double(found[place]) - sum / 25) < 1e-6)
                    }
                }
            }
            #expect(zip(spread, expected).allSatisfy { abs(Double($0) - $1) < 1e-6 })
        }
    }

    @Test("sample statistics are mean and unbiased variance; one value has no variance")
    func sampleStatistics() {
        // Two channels of 4 values: 1, 2, 3, 6 and 5, 5, 5, 5.
        var sums = [Double](repeating: 0, count: 16)
        (sums[0], sums[8]) = (12, 50)
        (sums[1], sums[9]) = (20, 100)
        var (mean, variance) = ([Float](repeating: -1, count: 2), [Float](repeating: -1, count: 2))
        BatchNormalization.sampleStatistics(sums: sums, channels: 2, count: 4, mean: &mean, variance: &variance)
        #expect(mean == [3, 5])
        #expect(abs(variance[0] - 14.0 / 3) < 1e-6 && variance[1] == 0)
        (sums[0], sums[8]) = (7, 49)
        BatchNormalization.sampleStatistics(sums: sums, channels: 1, count: 1, mean: &mean, variance: &variance)
        #expect(mean[0] == 7 && variance[0] == 0)
    }

    @Test("running values go a tenth of the way")
    func runningAverage() {
        var running: [Float] = [0, 1, -2]
        RunningAverage.update(sum: [40, 4, -8], average: 0.25, running: &running, count: 3)
        #expect(running == [1, 1, -2])
    }
}
