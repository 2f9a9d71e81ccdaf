import Checkpoint
import Datasets
import Foundation
import Kernels
import Supernet
import TestSupport
import Testing

@testable import Search

@Suite struct SecondOrderTests {
    @Test("three unrolled steps lead to PyTorch's alphas and weights")
    func parity() throws {
        let golden = try #require(GoldenFile.all.first { $0.path.hasSuffix("nasbench201_c4_n1.safetensors") })
        var run = try GoldenRun(golden)
        let folder = URL(fileURLWithPath: golden.path).deletingLastPathComponent()
        let expected = try SafetensorsFile(
            reading: folder.appendingPathComponent("Unrolled/nasbench201_c4_n1.safetensors").path)
        let count = run.batch * 3 * run.supernet.shape.imageSize * run.supernet.shape.imageSize
        let rate = run.arithmetic.weights.learningRate
        let tolerance = Tolerance(absolute: 1e-6, ofLargest: 2e-4)
        for step in 0..<3 {
            let alphas = run.state.alphas
            let training = (
                try run.floats("steps.train.images", step: step, count: count),
                try run.labels("steps.train.labels", step: step)
            )
            var sum = run.gradient(.weights, images: training.0, labels: training.1).values
            #expect(
                sum.withUnsafeBufferPointer {
                    run.arithmetic.lookAhead(of: &run.state, gradientSum: $0, learningRate: rate)
                } != nil)
            run.supernet.load(weights: run.state.weights)

            sum = [Float](repeating: 0, count: alphas.count + run.state.weights.count)
            _ = run.supernet.gradients(
                images: try run.floats("steps.valid.images", step: step, count: count),
                labels: try run.labels("steps.valid.labels", step: step), into: &sum, ready: { _ in })
            #expect(sum.withUnsafeBufferPointer { run.arithmetic.takeAhead(of: &run.state, gradientSum: $0) } != nil)
            run.supernet.load(weights: run.state.weights)

            sum = run.gradient(.alphas, images: training.0, labels: training.1).values
            #expect(sum.withUnsafeBufferPointer { run.arithmetic.takeAbove(of: &run.state, gradientSum: $0) } != nil)
            run.supernet.load(weights: run.state.weights)

            sum = run.gradient(.alphas, images: training.0, labels: training.1).values
            #expect(
                sum.withUnsafeBufferPointer {
                    run.arithmetic.finishAhead(of: &run.state, gradientSum: $0, learningRate: rate, step: step + 1)
                } != nil)
            #expect(run.state.lookAhead == nil)
            run.supernet.load(weights: run.state.weights)
            run.supernet.load(alphas: run.state.alphas)
            if step == 0 {
                // Adam's first moment is (1 − β₁) (gradient + decay α).
                let optimizer = run.arithmetic.alphas
                let gradient = zip(run.state.adamFirst, alphas).map {
                    $0 / Float(1 - optimizer.beta1) - Float(optimizer.weightDecay) * $1
                }
                let golden = try expected.floats("gradient.0.alphas.arch")
                #expect(difference("gradient", gradient, golden, within: tolerance) == nil)
                // What a gradient of first order would miss is far beyond the tolerance.
                let implicit = try expected.floats("implicit.0.alphas.arch").map { Float(rate) * $0 }
                let first = zip(golden, implicit).map(+)
                #expect(difference("", first, golden, within: tolerance.times(5)) != nil)
            }
            sum = run.gradient(.weights, images: training.0, labels: training.1).values
            #expect(
                sum.withUnsafeBufferPointer {
                    run.arithmetic.stepWeights(of: &run.state, gradientSum: $0, learningRate: rate)
                } != nil)
            run.supernet.load(weights: run.state.weights)
        }
        for (group, values) in [(ParameterGroup.weights, run.state.weights), (.alphas, run.state.alphas)] {
            for entry in run.entries(group) {
                let name = "after." + entry.name
                let message = try difference(
                    name, Array(values[entry.range]), expected.floats(name), shape: entry.shape, within: tolerance)
                #expect(message == nil)
            }
        }
    }

    @Test("both gradients of one pass are those of two, to the bit", arguments: [SearchSpace.nasbench201, .darts, .s4])
    func bothGradients(space: SearchSpace) throws {
        let shape = SupernetShape(
            space: space.name, channels: 4, cells: space == .nasbench201 ? 1 : 3, classes: 3, inputChannels: 1,
            imageSize: 8)
        let supernet = try Supernet(shape: shape, shardImages: 3)
        let (weights, alphas) = (supernet.parameters.count, supernet.edges * supernet.operations)
        supernet.load(weights: Supernet.initialWeights(supernet.parameters, seed: 1))
        supernet.load(alphas: Supernet.initialAlphas(count: alphas, seed: 1).map { 500 * $0 })
        let draws = Philox(seed: 2, purpose: .synthetic)
        let images = (0..<3 * 64).map { draws.normal(at: $0) }
        let labels: [UInt8] = [0, 2, 1]
        var both = [Float](repeating: .nan, count: alphas + weights)
        var lower = both.count
        let loss = supernet.gradients(images: images, labels: labels, into: &both) { range in
            #expect(range.upperBound == lower, "ranges fall without a gap")
            lower = range.lowerBound
        }.loss
        #expect(lower == 0)
        for (group, range) in [(ParameterGroup.alphas, 0..<alphas), (.weights, alphas..<both.count)] {
            var alone = [Float](repeating: .nan, count: range.count)
            let own = supernet.gradient(of: group, images: images, labels: labels, into: &alone, ready: { _ in })
            #expect(own.loss == loss)
            #expect(alone == Array(both[range]))
        }
    }

    private func configuration(_ order: StepOrder = .alphasFirst) -> SearchConfiguration {
        let dataset = Self.dataset
        var configuration = SearchConfiguration(
            supernet: SupernetShape(
                space: "nasbench201", channels: 4, cells: 1, classes: 10, inputChannels: 1, imageSize: 32),
            dataset: .mnist, images: dataset.count, datasetDigest: dataset.digest, epochs: 1, batch: 8, shards: 2,
            seed: 5)
        configuration.unrolled = true
        configuration.stepOrder = order
        return configuration
    }

    private static let dataset = ImageDataset(
        kind: .mnist, channels: 1, size: 32, classNames: (0..<10).map { "\($0)" },
        pixels: (0..<48 * 1024).map { UInt8(truncatingIfNeeded: $0 &* 31 / 7) },
        labels: (0..<48).map { UInt8($0 % 10) })

    @Test("a step has four half-steps for the alphas and one for the weights, on the same training images")
    func plan() {
        let alphasFirst = TrainingPlan(configuration: configuration(), imageCount: 48)
        #expect(alphasFirst.halfSteps == 3 * 5)
        let parts = (5..<10).map { alphasFirst.halfStep($0) }
        #expect(parts.map(\.part) == [.lookAhead, .ahead, .above, .below, .whole])
        #expect(parts.map(\.kind) == [.alphas, .alphas, .alphas, .alphas, .weights])
        #expect(parts.map(\.images) == [.weights, .alphas, .weights, .weights, .weights])
        #expect(parts.allSatisfy { $0.step == 1 && $0.epoch == 0 })
        let weightsFirst = TrainingPlan(configuration: configuration(.weightsFirst), imageCount: 48)
        #expect((0..<5).map { weightsFirst.halfStep($0).part } == [.whole, .lookAhead, .ahead, .above, .below])
    }

    @Test("a search goes on from amid an update as if it had never stopped", arguments: [1, 2, 3, 4])
    func resumed(halfStep: Int) throws {
        let configuration = configuration()
        final class Kept: @unchecked Sendable {
            // Used by one thread.
            var states: [SearchState] = []
        }
        let kept = Kept()
        let whole = try LocalSearch.run(
            configuration: configuration, replica: Replica(configuration: configuration, dataset: Self.dataset),
            keeping: .init(interval: 1, save: { kept.states.append($0) })
        ) { _ in }
        var state = try #require(kept.states.first { $0.training.appliedHalfSteps == 5 + halfStep })
        #expect((state.training.lookAhead != nil) == (halfStep < 4))
        let bytes = state.training.encoded()
        state.training = try TrainingState(
            decoding: bytes, weights: state.training.weights.count, alphas: state.training.alphas.count)
        let resumed = try LocalSearch.run(
            configuration: configuration, replica: Replica(configuration: configuration, dataset: Self.dataset),
            from: state
        ) { _ in }
        #expect(resumed.digest == whole.digest && resumed.state.lookAhead == nil)
        var first = configuration
        first.unrolled = nil
        let other = try LocalSearch.run(
            configuration: first, replica: Replica(configuration: first, dataset: Self.dataset)
        ) { _ in }
        #expect(other.state.alphas != whole.state.alphas)
    }

    @Test("where a part is passed over, the rest of its update changes nothing", arguments: 0..<4)
    func skipped(part: Int) throws {
        let replica = try Replica(configuration: configuration(), dataset: Self.dataset)
        let start = replica.state
        var gradient = [Float](repeating: 0, count: replica.largestGradient)
        for index in 0..<4 {
            let halfStep = replica.plan.halfStep(index)
            if index == part {
                _ = try replica.skip(halfStep)
                continue
            }
            let losses = replica.computeShards(0..<2, of: halfStep) { _, elements, source in
                for i in elements { gradient[i] = source[i] }
            }
            try gradient.withUnsafeMutableBufferPointer {
                try replica.apply(
                    halfStep,
                    gradientSum: UnsafeMutableBufferPointer(rebasing: $0[..<replica.gradientCount(of: halfStep)]),
                    losses: losses)
            }
        }
        var end = replica.state
        #expect(end.appliedHalfSteps == 4)
        end.appliedHalfSteps = 0
        #expect(end == start)
    }
}
