import Kernels
import Testing

@Suite("Prefetch")
struct PrefetchTests {
    /// Asking for memory changes no number, whatever waits.
    @Test("changes no number")
    func numbers() {
        let arena = Arena()
        let ahead = Prefetch(arena: arena)
        let x = arena.tensor(images: 5, channels: 16, height: 8, width: 8, padding: 4)
        for image in 0..<5 {
            let values = (0..<16 * 64).map { Float(($0 * 37 + image * 11) % 101) / 101 - 0.5 }
            values.withUnsafeBufferPointer { values in
                if let base = values.baseAddress { x.copyImage(image, fromPlanar: base) }
            }
        }
        let middle = arena.tensor(images: 5, channels: 16, height: 8, width: 8)
        let depthwise = DepthwiseConvolution(channels: 16, kernel: 5)
        let pointwise = Convolution(inputChannels: 16, outputChannels: 16, kernel: 1)
        let kernels = arena.floats(depthwise.packedCount)
        let weights = arena.floats(pointwise.packedCount)
        for index in 0..<depthwise.packedCount { kernels[index] = Float(index % 23) / 23 - 0.4 }
        for index in 0..<pointwise.packedCount { weights[index] = Float(index % 19) / 19 - 0.6 }
        func run(_ ahead: Prefetch?) -> [[Float]] {
            let y = arena.tensor(images: 5, channels: 16, height: 8, width: 8)
            for image in 0..<5 {
                ahead?.restart()
                // More than can wait, and images that do not exist.
                for next in [image + 1, image + 2, -1, 5, 0, 1, 2] { ahead?.add(x, image: next) }
                depthwise.forward(x, image: image, packed: kernels, into: middle, outputImage: image, ahead: ahead)
                pointwise.forward(middle, image: image, packed: weights, into: y, outputImage: image, ahead: ahead)
            }
            return (0..<5).map(y.planar)
        }
        let plain = run(nil)
        #expect(run(ahead) == plain)
        #expect(plain[0] != plain[1])
    }
}
