import Foundation
import Kernels
import Reporting

/// Every kernel alone, at the shapes that occur in the supernet: a compiler update can halve one silently.
struct KernelBench {
    let channels: Int
    let size: Int

    /// One kernel at one shape.
    struct Row: Encodable {
        var kernel: String
        var pass: String
        var channels: Int
        var size: Int
        var gflops: Double
        var gbs: Double
        /// The least time that peak and cache allow, over the time taken.
        var ofBound: Double

        enum CodingKeys: String, CodingKey {
            case kernel, pass, channels, size, gflops, gbs
            case ofBound = "of_bound"
        }
    }

    /// One line of JSON.
    struct Report: Encodable {
        var version = Version.current
        var isa = InstructionSet.own.rawValue
        var work = "kernels"
        var fmaPeakGflops: Double
        var triadGbs: Double
        var cacheTriadGbs: Double
        var kernels: [Row]

        enum CodingKeys: String, CodingKey {
            case version, isa, work, kernels
            case fmaPeakGflops = "fma_peak_gflops"
            case triadGbs = "triad_gbs"
            case cacheTriadGbs = "cache_triad_gbs"
        }
    }

    /// Measures, and prints.
    func run() throws {
        let before = MachineBounds.measure()
        var timings: [(KernelCase, Double)] = []
        for stage in 0..<3 {
            for kernel in KernelCase.all(channels: channels << stage, size: max(size >> stage, 1)) {
                timings.append((kernel, kernel.seconds()))
            }
        }
        let peak = max(before.fmaPeak, MachineBounds.fmaPeak())
        let rows = timings.map { kernel, seconds in
            let compute = 2 * Double(kernel.multiplyAdds) / (peak * 1e9)
            let memory = 4 * Double(kernel.floats) / (before.cache * 1e9)
            return Row(
                kernel: kernel.name, pass: kernel.pass, channels: kernel.channels, size: kernel.size,
                gflops: 2 * Double(kernel.multiplyAdds) / seconds / 1e9, gbs: 4 * Double(kernel.floats) / seconds / 1e9,
                ofBound: (kernel.multiplyAdds > 0 ? compute : memory) / seconds)
        }
        let report = Report(
            fmaPeakGflops: peak, triadGbs: before.memory, cacheTriadGbs: before.cache, kernels: rows)
        try StandardOutput.print([try JSONLine.text(report)])
    }
}

/// A kernel with its operands: one image, which a core's second-level cache holds, as it does within a step.
private struct KernelCase {
    let name: String
    let pass: String
    let channels: Int
    let size: Int
    var multiplyAdds = 0
    let floats: Int
    let body: () -> Void

    /// For one call: the least of many short runs, so that some are not interrupted on a busy machine.
    func seconds() -> Double {
        let clock = ContinuousClock()
        var calls = 1
        var best = Double.infinity
        var runs = 0
        while runs < 40 {
            let seconds = clock.measure { for _ in 0..<calls { body() } } / .seconds(1)
            if seconds < 3e-4 {
                calls *= 2
                continue
            }
            best = min(best, seconds / Double(calls))
            runs += 1
        }
        return best
    }

    /// All kernels for square images of so many channels.
    static func all(channels: Int, size: Int) -> [KernelCase] {
        let arena = Arena()
        func tensor(padding: Int = 0) -> BlockedTensor {
            arena.tensor(images: 1, channels: channels, height: size, width: size, padding: padding)
        }
        let (x, y, z, w) = (tensor(padding: 1), tensor(padding: 1), tensor(), tensor())
        let plane = x.imageFloats
        let coefficients = arena.floats(x.blocks * 8)
        let sums = arena.doubles(5 * 2 * x.blocks * 8)
        var cases: [KernelCase] = []
        func add(
            _ name: String, _ pass: String, floats: Int, multiplyAdds: Int = 0, _ body: @escaping () -> Void
        ) {
            cases.append(
                KernelCase(
                    name: name, pass: pass, channels: channels, size: size, multiplyAdds: multiplyAdds, floats: floats,
                    body: { withExtendedLifetime(arena, body) }))
        }
        for kernel in [1, 3] {
            let convolution = Convolution(inputChannels: channels, outputChannels: channels, kernel: kernel)
            let packed = arena.floats(convolution.packedCount)
            let gradient = arena.floats(convolution.gradientCount)
            let work = convolution.multiplyAdds(height: size, width: size)
            let name = "convolution \(kernel)×\(kernel)"
            add(name, "forward", floats: 2 * plane + convolution.weightCount, multiplyAdds: work) {
                convolution.forward(x, image: 0, packed: packed, into: z, outputImage: 0, sums: sums)
            }
            add(name, "gradient by input", floats: 3 * plane + convolution.weightCount, multiplyAdds: work) {
                convolution.adjoint.forward(y, image: 0, packed: packed, into: z, outputImage: 0, accumulate: true)
            }
            add(name, "gradient by weights", floats: 2 * plane + 2 * convolution.gradientCount, multiplyAdds: work) {
                convolution.weightsGradient(x, image: 0, y, gradientImage: 0, into: gradient)
            }
        }
        let (wide, wideGradient) = (tensor(padding: 4), tensor(padding: 4))
        let halfSize = (size + 1) / 2
        let half = arena.tensor(images: 1, channels: channels, height: halfSize, width: halfSize, padding: 4)
        for (kernel, dilation, stride, suffix) in [
            (3, 1, 1, ""), (5, 1, 1, ""), (3, 2, 1, ", dilated"), (5, 2, 1, ", dilated"), (3, 1, 2, ", stride 2"),
            (5, 1, 2, ", stride 2"),
        ] {
            let convolution = DepthwiseConvolution(
                channels: channels, kernel: kernel, dilation: dilation, stride: stride)
            let packed = arena.floats(convolution.packedCount)
            let gradient = arena.floats(convolution.packedCount)
            let work = convolution.multiplyAdds(height: size, width: size)
            let (output, name) = (stride == 1 ? wideGradient : half, "depthwise \(kernel)×\(kernel)\(suffix)")
            let floats = plane + output.imageFloats + convolution.weightCount
            add(name, "forward", floats: floats, multiplyAdds: work) {
                convolution.forward(wide, image: 0, packed: packed, into: output, outputImage: 0)
            }
            add(name, "gradient by input", floats: floats + plane, multiplyAdds: work) {
                convolution.inputGradient(output, image: 0, packed: packed, into: wide, inputImage: 0, accumulate: true)
            }
            add(name, "gradient by weights", floats: floats, multiplyAdds: work) {
                convolution.weightsGradient(wide, image: 0, output, gradientImage: 0, into: gradient)
            }
        }
        if WinogradConvolution.fits(height: size, width: size) {
            let winograd = WinogradConvolution(inputChannels: channels, outputChannels: channels)
            let count = WinogradConvolution.tiles(height: size, width: size)
            let tiles = (0..<3).map { _ in TransformedTiles(channels: channels, capacity: count, arena: arena) }
            let packed = arena.floats(winograd.packedCount)
            let gradient = arena.floats(winograd.gradientCount)
            let strip = arena.floats(TransformedTiles.stripCount(width: size))
            let transformed = count * x.blocks * 8 * 36
            // Multiplications that are done, a quarter of those of direct summation.
            let work = count * 36 * channels * channels
            add("Winograd transform", "in", floats: plane + transformed) {
                tiles[0].transformInput(x, image: 0, tileRows: 0..<size / 4, at: 0, strip: strip)
            }
            add("Winograd transform", "out", floats: plane + transformed) {
                tiles[0].transformOutput(into: z, image: 0, tileRows: 0..<size / 4, from: 0, sums: sums, strip: strip)
            }
            add("Winograd transform", "of a gradient", floats: plane + transformed) {
                tiles[0].transformGradient(y, image: 0, tileRows: 0..<size / 4, at: 0, strip: strip)
            }
            add("Winograd transform", "to a gradient", floats: 2 * plane + transformed) {
                tiles[0].transformInputGradient(into: z, image: 0, from: 0, accumulate: true, strip: strip)
            }
            add("Winograd products", "forward", floats: 2 * transformed + winograd.packedCount, multiplyAdds: work) {
                winograd.multiply(tiles[0], packed: packed, tiles: count, into: tiles[1])
            }
            add(
                "Winograd products", "gradient by weights", floats: 2 * transformed + 2 * winograd.gradientCount,
                multiplyAdds: work
            ) {
                winograd.addWeightsGradient(tiles[0], tiles[1], tiles: count, into: gradient)
            }
        }
        let pool = AveragePool3(height: size, width: size, arena: arena)
        let (u, v) = (tensor(), tensor())
        let (one, two) = (WeightedTerms(z, coefficients), WeightedTerms(w, coefficients))
        var three = two
        three.append(u, coefficients)
        three.append(v, coefficients)
        add("rectifier", "forward", floats: 2 * plane) { Rectifier.forward(z, image: 0, into: x, targetImage: 0) }
        add("normalise, weight, add", "forward", floats: 4 * plane) {
            WeightedSum.compute(three, constants: coefficients, image: 0, into: ImageOf(z, image: 0))
        }
        add("normalise, weight, pool, add", "forward", floats: 6 * plane) {
            WeightedSum.compute(
                three, pooled: one, pool: pool, constants: coefficients, image: 0, into: ImageOf(z, image: 0),
                rectified: ImageOf(x, image: 0))
        }
        add("normalise, weight, pool, add", "backward", floats: 5 * plane) {
            WeightedSum.gradient(
                two, pooled: one, pool: pool, image: 0, r: ImageOf(u, image: 0), x: ImageOf(v, image: 0),
                into: ImageOf(z, image: 0))
        }
        add("sums for norms and β", "backward", floats: 4 * plane) {
            ChannelSums.accumulate(z, [u, v, w], image: 0, into: sums)
        }
        let norms = [u, v].map {
            NormGradient.Norm(y: $0, a: coefficients, b: coefficients, c: coefficients, target: x, targetImage: 0)
        }
        add("gradient of norms", "backward", floats: 5 * plane) {
            NormGradient.compute(z, image: 0, norms[0], norms[1])
        }
        return cases
    }
}
