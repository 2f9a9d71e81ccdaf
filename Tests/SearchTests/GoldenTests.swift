import Foundation
import Search
import Supernet
import Testing

@Suite("PyTorch parity")
struct GoldenTests {
    @Test("there are golden files, those of OSTR_GOLDEN_DIR among them if it is set")
    func filesExist() {
        #expect(!GoldenFile.all.isEmpty)
        if let folder = ProcessInfo.processInfo.environment["OSTR_GOLDEN_DIR"] {
            #expect(
                !GoldenFile.files(in: folder).isEmpty,
                "OSTR_GOLDEN_DIR names \(folder), which does not exist or has no .safetensors file")
        }
    }

    @Test("logits, loss and every gradient are PyTorch's", arguments: GoldenFile.all)
    func gradients(golden: GoldenFile) throws {
        try GoldenRun(golden).expectGradients()
    }

    @Test("the loss with every operation in every edge's place is PyTorch's", arguments: GoldenFile.all)
    func replacedLosses(golden: GoldenFile) throws {
        let run = try GoldenRun(golden)
        let images = try run.file.floats("input.images")
        let labels = try run.labels("input.labels")
        func loss(_ choices: [EdgeChoice]) -> Float {
            Float(run.supernet.evaluate(images: images, labels: labels, choices: choices).loss / Double(run.batch))
        }
        let mixed = [EdgeChoice](repeating: .mixed, count: run.supernet.edges)
        run.expect("output.loss", equals: [loss(mixed)])
        run.expect("output.logits", equals: run.supernet.logits)
        var losses: [Float] = []
        for edge in 0..<run.supernet.edges {
            for operation in 0..<run.supernet.operations {
                var choices = mixed
                choices[edge] = .single(operation)
                losses.append(loss(choices))
            }
        }
        for entry in run.entries(.alphas) {
            let cell = entry.name.dropFirst("alphas.".count)
            run.expect("replaced_loss.\(cell)", equals: Array(losses[entry.range]))
        }
    }

    @Test("three alternating steps lead to PyTorch's weights, momentum, alphas and moments", arguments: GoldenFile.all)
    func steps(golden: GoldenFile) throws {
        var run = try GoldenRun(golden)
        let count = run.batch * 3 * run.supernet.shape.imageSize * run.supernet.shape.imageSize
        var losses: [Float] = []
        var norms: [Float] = []
        for step in 0..<3 {
            let validation = run.gradient(
                .alphas, images: try run.floats("steps.valid.images", step: step, count: count),
                labels: try run.labels("steps.valid.labels", step: step))
            let alphasNorm = validation.values.withUnsafeBufferPointer {
                run.arithmetic.stepAlphas(of: &run.state, gradientSum: $0, step: step + 1)
            }
            #expect(alphasNorm != nil)
            run.supernet.load(alphas: run.state.alphas)
            let training = run.gradient(
                .weights, images: try run.floats("steps.train.images", step: step, count: count),
                labels: try run.labels("steps.train.labels", step: step))
            let rate = run.arithmetic.weights.learningRate
            let norm = training.values.withUnsafeBufferPointer {
                run.arithmetic.stepWeights(of: &run.state, gradientSum: $0, learningRate: rate)
            }
            run.supernet.load(weights: run.state.weights)
            losses.append(Float(training.loss))
            norms.append(Float(try #require(norm)))
        }
        run.expect("steps.loss", equals: losses)
        run.expect("steps.norm", equals: norms)
        run.expect("after.", .weights, equals: run.state.weights)
        run.expect("after.momentum.", .weights, equals: run.state.momentum)
        run.expect("after.", .alphas, equals: run.state.alphas)
        run.expect("after.adam_m.", .alphas, equals: run.state.adamFirst)
        run.expect("after.adam_v.", .alphas, equals: run.state.adamSecond)
    }
}
