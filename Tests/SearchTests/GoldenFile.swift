import Checkpoint
import Foundation
import Search
import Supernet
import TestSupport
import Testing

/// What PyTorch computed for one batch and three alternating steps; see `Golden/README.md`.
struct GoldenFile: Sendable, CustomTestStringConvertible {
    let path: String

    var testDescription: String { URL(fileURLWithPath: path).lastPathComponent }

    /// The committed files, and those of the folder that `OSTR_GOLDEN_DIR` names.
    static let all: [GoldenFile] = {
        let committed = Bundle.module.resourceURL?.appendingPathComponent("Golden").path
        let paths = files(in: committed) + files(in: ProcessInfo.processInfo.environment["OSTR_GOLDEN_DIR"])
        return paths.map(GoldenFile.init)
    }()

    /// Those of one search space.
    static func all(of space: String) -> [GoldenFile] {
        all.filter { (try? SafetensorsFile(reading: $0.path).metadata["space"]) == space }
    }

    static func files(in folder: String?) -> [String] {
        guard let folder, let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else { return [] }
        return names.filter { $0.hasSuffix(".safetensors") }.sorted().map { "\(folder)/\($0)" }
    }

    /// The tolerances for direct FP32 convolution, by the tensor's name.
    static func tolerance(_ name: String) -> Tolerance {
        if name == "output.logits" { return Tolerance(absolute: 2e-5) }
        if name.hasSuffix(".loss") || name.hasPrefix("replaced_loss.") { return Tolerance(ofElement: 5e-6) }
        if name.hasPrefix("after.") || name == "steps.norm" { return Tolerance(absolute: 1e-6, ofLargest: 2e-4) }
        return Tolerance(absolute: 1e-6, ofLargest: 1e-4)
    }
}

/// A golden file opened, with a supernet that has its weights.
struct GoldenRun {
    struct SGD: Decodable {
        let lr, momentum, weightDecay: Double
        let nesterov: Bool
    }

    struct Adam: Decodable {
        let lr, eps, weightDecay: Double
        let betas: [Double]
    }

    let file: SafetensorsFile
    let supernet: Supernet
    let batch: Int
    let arithmetic: TrainingArithmetic
    var state: TrainingState
    private let alphas: ParameterDirectory

    /// How many times the tolerances of direct summation are allowed.
    private let slack: Double

    /// - Parameter convolution: Winograd's may differ more: logits by 5e-4 where direct summation's may by 2e-5.
    init(_ golden: GoldenFile, convolution: ConvolutionAlgorithm = .direct) throws {
        slack = convolution == .direct ? 1 : 25
        let file = try SafetensorsFile(reading: golden.path)
        self.file = file
        func text(_ key: String) throws -> String { try #require(file.metadata[key], "metadata \(key)") }
        func number(_ key: String) throws -> Int { try #require(Int(text(key)), "metadata \(key)") }
        batch = try number("batch")
        let shape = try SupernetShape(
            space: text("space"), channels: number("channels"), cells: number("cells"), classes: number("classes"),
            inputChannels: 3, imageSize: number("size"))
        supernet = try Supernet(shape: shape, shardImages: batch, convolution: convolution)
        alphas = supernet.alphaDirectory

        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let sgd = try decoder.decode(SGD.self, from: Data(text("sgd").utf8))
        var weights = WeightsOptimizer()
        weights.learningRate = sgd.lr
        weights.momentum = sgd.momentum
        weights.weightDecay = sgd.weightDecay
        weights.nesterov = sgd.nesterov
        weights.clip = try #require(Double(text("clip")), "metadata clip")
        let adam = try decoder.decode(Adam.self, from: Data(text("adam").utf8))
        var alphasOptimizer = AlphasOptimizer()
        alphasOptimizer.learningRate = adam.lr
        alphasOptimizer.beta1 = adam.betas[0]
        alphasOptimizer.beta2 = adam.betas[1]
        alphasOptimizer.epsilon = adam.eps
        alphasOptimizer.weightDecay = adam.weightDecay
        arithmetic = TrainingArithmetic(weights: weights, alphas: alphasOptimizer, shards: 1)

        let content = try SupernetFile.read(file, weights: supernet.parameters, alphas: supernet.alphaDirectory)
        state = TrainingState(weights: content.weights, alphas: content.alphas)
        supernet.load(weights: state.weights)
        supernet.load(alphas: state.alphas)
    }

    /// The names under which the file has the tensors of a group.
    func entries(_ group: ParameterGroup) -> [ParameterDirectory.Entry] {
        group == .weights ? supernet.parameters.entries : alphas.entries
    }

    /// A tensor of (steps, n, …), cut at one step.
    func floats(_ name: String, step: Int, count: Int) throws -> [Float] {
        let all = try file.floats(name)
        try #require(all.count >= (step + 1) * count, "\(name)")
        return Array(all[(step * count)..<((step + 1) * count)])
    }

    func labels(_ name: String, step: Int = 0) throws -> [UInt8] {
        let all = try file.integers(name)
        try #require(all.count >= (step + 1) * batch, "\(name)")
        return try all[(step * batch)..<((step + 1) * batch)].map { try #require(UInt8(exactly: $0), "\(name)") }
    }

    func gradient(_ group: ParameterGroup, images: [Float], labels: [UInt8]) -> (loss: Double, values: [Float]) {
        var values = [Float](repeating: .nan, count: group == .weights ? state.weights.count : state.alphas.count)
        var lower = values.count
        let result = supernet.gradient(of: group, images: images, labels: labels, into: &values) { range in
            #expect(range.upperBound == lower, "ranges fall without a gap")
            lower = range.lowerBound
        }
        #expect(lower == 0, "all of the gradient is reported")
        return (result.loss / Double(batch), values)
    }

    /// Logits, loss and every gradient are those of the file.
    func expectGradients() throws {
        let images = try file.floats("input.images")
        let labels = try labels("input.labels")
        let weights = gradient(.weights, images: images, labels: labels)
        expect("output.logits", equals: supernet.logits)
        expect("output.loss", equals: [Float(weights.loss)])
        expect("grad.", .weights, equals: weights.values)
        let alphas = gradient(.alphas, images: images, labels: labels)
        #expect(alphas.loss == weights.loss, "both backward passes follow the same forward pass")
        expect("grad.", .alphas, equals: alphas.values)
    }

    /// Fails by the tensor's name when it is missing or differs from what was computed.
    func expect(_ name: String, equals actual: [Float]) {
        do {
            let tensor = try file.tensor(name)
            let message = try difference(
                name, actual, file.floats(name), shape: tensor.shape, within: GoldenFile.tolerance(name).times(slack))
            if let message { Issue.record(Comment(rawValue: message)) }
        } catch {
            Issue.record(error, "\(name)")
        }
    }

    /// The same for every tensor of a group, out of one flat buffer.
    func expect(_ prefix: String, _ group: ParameterGroup, equals actual: [Float]) {
        for entry in entries(group) { expect(prefix + entry.name, equals: Array(actual[entry.range])) }
    }
}
