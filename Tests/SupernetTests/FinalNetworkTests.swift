import Kernels
import Supernet
import TestSupport
import Testing

@Suite struct FinalNetworkTests {
    static let nasbench201 =
        "Genotype(cell=[[('nor_conv_3x3', 0)], [('avg_pool_3x3', 0), ('nor_conv_1x1', 1)], "
        + "[('skip_connect', 0), ('none', 1), ('nor_conv_3x3', 2)]])"
    static let darts =
        "Genotype(normal=[('sep_conv_3x3', 0), ('dil_conv_5x5', 1), ('avg_pool_3x3', 0), ('skip_connect', 1), "
        + "('max_pool_3x3', 0), ('dil_conv_3x3', 2), ('sep_conv_5x5', 2), ('skip_connect', 3)], normal_concat=[2, 3, 4, 5], "
        + "reduce=[('max_pool_3x3', 0), ('skip_connect', 1), ('sep_conv_5x5', 1), ('skip_connect', 2), "
        + "('dil_conv_3x3', 0), ('avg_pool_3x3', 1), ('max_pool_3x3', 2), ('sep_conv_3x3', 4)], reduce_concat=[2, 3, 4, 5])"

    private static func network(
        _ genotype: String, channels: Int = 4, cells: Int? = nil, size: Int = 16, auxiliary: Bool = false,
        images: Int = 6
    ) throws -> FinalNetwork {
        let genotype = try Genotype(parsing: genotype)
        let shape = SupernetShape(
            space: genotype.space.name, channels: channels, cells: cells ?? (genotype.space == .nasbench201 ? 1 : 4),
            classes: 10, inputChannels: 3, imageSize: size)
        return try FinalNetwork(genotype, shape: shape, auxiliary: auxiliary, shardImages: images)
    }

    private static func images(_ network: FinalNetwork, seed: UInt64 = 3) -> (pixels: [Float], labels: [UInt8]) {
        let draws = Philox(seed: seed, purpose: .synthetic)
        let size = network.shape.imageSize
        return (
            (0..<network.shardImages * 3 * size * size).map { draws.normal(at: $0) },
            (0..<network.shardImages).map { UInt8(draws.integer(below: 10, at: 1 << 20 + $0)) }
        )
    }

    private static func weights(_ network: FinalNetwork) -> [Float] {
        var weights = Supernet.initialWeights(network.parameters, seed: 5)
        let draws = Philox(seed: 8, purpose: .synthetic)
        // Norms must not be at their beginning, where γ is 1 and b is 0.
        for entry in network.parameters.entries {
            guard case .constant = entry.initialization else { continue }
            for i in entry.range { weights[i] += 0.2 * draws.uniform(at: i) }
        }
        return weights
    }

    @Test(
        "the loss changes along the gradient as the gradient says, with and without paths dropped",
        arguments: [nasbench201, darts], [0, 0.4])
    func directionalDerivative(_ genotype: String, _ probability: Double) throws {
        let network = try Self.network(genotype)
        let (pixels, labels) = Self.images(network)
        let weights = Self.weights(network)
        let drop = DropPath(seed: 2, epoch: 3, probability: probability)
        func loss(_ weights: [Float], _ gradient: inout [Float]) -> Double {
            network.load(weights: weights)
            let result = network.gradient(
                images: pixels, labels: labels, dropPath: drop, indices: Array(10..<16), into: &gradient,
                ready: { _ in })
            return result.loss / Double(network.shardImages)
        }
        var (gradient, other) = (
            [Float](repeating: 0, count: weights.count), [Float](repeating: 0, count: weights.count)
        )
        _ = loss(weights, &gradient)
        for i in network.trained..<weights.count { gradient[i] = 0 }
        let square = gradient.reduce(0.0) { $0 + Double($1) * Double($1) }
        func moved(_ by: Double) -> [Float] { zip(weights, gradient).map { Float(Double($0) + by * Double($1)) } }
        // Rectifiers have kinks, and single precision has noise: of three distances one is right.
        let errors = [2e-3, 1e-3, 5e-4].map { distance in
            let step = distance / square.squareRoot()
            let slope = (loss(moved(step), &other) - loss(moved(-step), &other)) / (2 * step)
            return abs(slope / square - 1)
        }
        #expect(errors.contains { $0 < 4e-3 }, "\(errors)")
    }

    @Test("what is dropped depends on seed, epoch, image and edge alone, and on average is what was asked for")
    func draws() throws {
        let network = try Self.network(Self.darts)
        let (pixels, labels) = Self.images(network)
        network.load(weights: Self.weights(network))
        func logits(_ drop: DropPath?, _ indices: Range<Int> = 10..<16) -> [Float] {
            var gradient = [Float](repeating: 0, count: network.parameters.count)
            _ = network.gradient(
                images: pixels, labels: labels, dropPath: drop, indices: Array(indices), into: &gradient,
                ready: { _ in })
            return network.logits
        }
        let drop = DropPath(seed: 1, epoch: 4, probability: 0.5)
        let first = logits(drop)
        let whole = logits(nil)
        #expect(first != whole)
        #expect(logits(drop) == first)
        #expect(logits(DropPath(seed: 1, epoch: 4, probability: 0)) == whole)
        #expect(logits(DropPath(seed: 2, epoch: 4, probability: 0.5)) != first)
        #expect(logits(DropPath(seed: 1, epoch: 5, probability: 0.5)) != first)
        #expect(logits(drop, 11..<17) != first)
    }

    @Test("an evaluation depends on one image at a time, and changes nothing")
    func evaluation() throws {
        for (genotype, auxiliary) in [(Self.nasbench201, false), (Self.darts, true)] {
            let network = try Self.network(genotype, size: auxiliary ? 32 : 16, auxiliary: auxiliary)
            var (pixels, labels) = Self.images(network)
            network.load(weights: Self.weights(network))
            let whole = network.evaluate(images: pixels, labels: labels, count: 6)
            let logits = network.logits
            let image = pixels.count / 6
            for i in image..<pixels.count { pixels[i] = 0 }
            for i in 1..<6 { labels[i] = 0 }
            let one = network.evaluate(images: pixels, labels: labels, count: 1)
            #expect(network.logits[..<10] == logits[..<10])
            #expect(one.loss < whole.loss)
        }
    }

    @Test("all images of a shard measure what running statistics are made of")
    func statistics() throws {
        let network = try Self.network(Self.nasbench201)
        let (pixels, labels) = Self.images(network)
        network.load(weights: Self.weights(network))
        var gradient = [Float](repeating: 0, count: network.parameters.count)
        _ = network.gradient(images: pixels, labels: labels, into: &gradient, ready: { _ in })
        let entries = network.parameters.entries
        let names = entries.filter { $0.range.lowerBound >= network.trained }.map(\.name)
        #expect(names.prefix(2) == ["stem.1.running_mean", "stem.1.running_var"])
        #expect(names.allSatisfy { $0.hasSuffix(".running_mean") || $0.hasSuffix(".running_var") })
        for entry in entries where entry.name.hasSuffix("running_var") {
            #expect(gradient[entry.range].allSatisfy { $0 > 0 }, "\(entry.name)")
        }
    }

    @Test("what makes no network is refused with one line")
    func refusals() throws {
        func message(_ body: () throws -> FinalNetwork) -> String {
            do {
                _ = try body()
                return "made"
            } catch {
                return "\(error)"
            }
        }
        #expect(message { try Self.network(Self.nasbench201, auxiliary: true) }.contains("no auxiliary head"))
        #expect(message { try Self.network(Self.darts, auxiliary: true) }.contains("images of 32 pixels"))
        #expect(message { try Self.network(Self.darts, cells: 2) }.contains("fewer than 3"))
        #expect(message { try Self.network(Self.darts, size: 18) }.contains("multiple of 4"))
        #expect(message { try Self.network(Self.darts, channels: 5000) }.contains("1 to 4096"))
        let noisy = Genotype(
            space: .s4, operations: Array(repeating: 0, count: 28), kept: Array(repeating: true, count: 28))
        let shape = SupernetShape(
            space: "s4", channels: 4, cells: 4, classes: 10, inputChannels: 3, imageSize: 16)
        #expect(message { try FinalNetwork(noisy, shape: shape, shardImages: 2) }.contains("`noise` on edge"))
        let other = try Genotype(parsing: Self.nasbench201)
        #expect(
            message { try FinalNetwork(other, shape: shape, shardImages: 2) }.contains("no network of the space s4"))
    }

    @Test("DARTS' published cells have the published number of parameters")
    func publishedSize() throws {
        // DARTS' second-order cells (3.3 million at 36 channels and 20 cells), as quark0's genotypes.py has them.
        let text =
            "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
            + "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], "
            + "normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), "
            + "('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], "
            + "reduce_concat=[2, 3, 4, 5])"
        let network = try Self.network(text, channels: 36, cells: 20, size: 32, auxiliary: true, images: 2)
        #expect(network.parameterCount == 3_349_342)
        #expect((520_000_000...545_000_000).contains(network.multiplyAdds), "\(network.multiplyAdds)")
    }
}
