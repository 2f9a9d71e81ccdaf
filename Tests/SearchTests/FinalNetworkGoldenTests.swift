import Checkpoint
import Foundation
import Search
import Supernet
import TestSupport
import Testing

/// Final networks against PyTorch; see `Golden/final/README.md`.
@Suite struct FinalNetworkGoldenTests {
    static let files: [GoldenFile] = {
        let folder = Bundle.module.resourceURL?.appendingPathComponent("Golden/final").path
        return GoldenFile.files(in: folder).map(GoldenFile.init)
    }()

    /// A file opened, with the network that it is of.
    private struct Run {
        let file: SafetensorsFile
        let network: FinalNetwork
        let batch: Int
        let auxiliary: Double
        var weights: [Float]
        let slack: Double

        init(_ golden: GoldenFile, _ convolution: ConvolutionAlgorithm) throws {
            let file = try SafetensorsFile(reading: golden.path)
            self.file = file
            func text(_ key: String) throws -> String { try #require(file.metadata[key], "metadata \(key)") }
            func number(_ key: String) throws -> Int { try #require(Int(text(key)), "metadata \(key)") }
            batch = try number("batch")
            auxiliary = try #require(Double(text("auxiliary")))
            let shape = try SupernetShape(
                space: text("space"), channels: number("channels"), cells: number("cells"), classes: number("classes"),
                inputChannels: 3, imageSize: number("size"))
            network = try FinalNetwork(
                Genotype(parsing: text("genotype")), shape: shape, auxiliary: auxiliary > 0, shardImages: batch,
                convolution: convolution)
            slack = convolution == .direct ? 1 : 25
            #expect(try number("parameters") == network.parameterCount)
            weights = try Supernet.initialWeights(network.parameters, seed: UInt64(number("seed")))
            for entry in network.parameters.entries where file.tensors[entry.name] != nil {
                weights.replaceSubrange(entry.range, with: try file.floats(entry.name))
            }
            #expect(file.tensors["cells.0.preprocess0.op.2.running_var"] != nil || file.metadata["space"] != "darts")
            network.load(weights: weights)
        }

        func expect(_ name: String, equals actual: [Float]) {
            do {
                let tensor = try file.tensor(name)
                let step = actual.count > 2048 ? (actual.count + 2047) / 2048 : 1
                let kept = stride(from: 0, to: actual.count, by: step).map { actual[$0] }
                let message = try difference(
                    name, kept, file.floats(name), shape: tensor.shape,
                    within: GoldenFile.tolerance(name).times(slack))
                if let message { Issue.record(Comment(rawValue: message)) }
            } catch {
                Issue.record(error, "\(name)")
            }
        }
    }

    @Test("there are networks of both spaces")
    func filesExist() {
        #expect(Self.files.count >= 2)
    }

    @Test(
        "logits, losses, gradients, a step with its running statistics and the evaluation after it are PyTorch's",
        arguments: files, [ConvolutionAlgorithm.direct, .winograd])
    func parity(_ golden: GoldenFile, _ convolution: ConvolutionAlgorithm) throws {
        let run = try Run(golden, convolution)
        let (network, parameters) = (run.network, run.network.parameters)
        let images = try run.file.floats("input.images")
        let labels = try run.file.integers("input.labels").map { try #require(UInt8(exactly: $0)) }
        var gradient = [Float](repeating: .nan, count: parameters.count)
        var lower = gradient.count
        let result = network.gradient(
            images: images, labels: labels, auxiliaryWeight: run.auxiliary, into: &gradient
        ) { range in
            #expect(range.upperBound == lower, "ranges fall without a gap")
            lower = range.lowerBound
        }
        #expect(lower == 0, "all of the gradient is reported")
        run.expect("output.logits", equals: network.logits)
        run.expect("output.loss", equals: [Float(result.loss / Double(run.batch))])
        if let logits = network.auxiliaryLogits { run.expect("output.auxiliary", equals: logits) }
        for entry in parameters.entries where entry.range.upperBound <= network.trained {
            run.expect("grad." + entry.name, equals: Array(gradient[entry.range]))
        }

        struct SGD: Decodable {
            let lr, momentum, weightDecay: Double
            let nesterov: Bool
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let sgd = try decoder.decode(SGD.self, from: Data(#require(run.file.metadata["sgd"]).utf8))
        var optimizer = WeightsOptimizer()
        optimizer.momentum = sgd.momentum
        optimizer.weightDecay = sgd.weightDecay
        optimizer.nesterov = sgd.nesterov
        optimizer.clip = try #require(run.file.metadata["clip"].flatMap { Double($0) })
        let arithmetic = TrainingArithmetic(
            weights: optimizer, alphas: AlphasOptimizer(), shards: 1, statistics: parameters.count - network.trained)
        var state = TrainingState(weights: run.weights, alphas: [])
        let norm = gradient.withUnsafeBufferPointer {
            arithmetic.stepWeights(of: &state, gradientSum: $0, learningRate: sgd.lr)
        }
        run.expect("step.norm", equals: [Float(try #require(norm))])
        for entry in parameters.entries { run.expect("after." + entry.name, equals: Array(state.weights[entry.range])) }

        network.load(weights: state.weights)
        let evaluated = network.evaluate(images: images, labels: labels, count: run.batch)
        run.expect("evaluation.logits", equals: network.logits)
        #expect(evaluated.loss.isFinite)
    }
}
