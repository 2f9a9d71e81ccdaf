import Datasets
import Kernels
import Supernet
import Testing

@testable import Search

/// The training of networks of chosen cells, in one process.
@Suite struct NetworkTrainingTests {
    private static let cell =
        "Genotype(cell=[[('nor_conv_1x1', 0)], [('avg_pool_3x3', 0), ('skip_connect', 1)], "
        + "[('skip_connect', 0), ('none', 1), ('nor_conv_3x3', 2)]])"

    private static let images: ImageDataset = {
        let random = Philox(seed: 5, purpose: .synthetic)
        let labels = (0..<150).map { UInt8(random.integer(below: 4, at: $0)) }
        let pixels = labels.enumerated().flatMap { index, label in
            let noise = Philox(seed: 5, purpose: .synthetic, stream: index + 1)
            return (0..<64).map { UInt8(Int(label) * 60 + noise.integer(below: 60, at: $0)) }
        }
        return ImageDataset(
            kind: .fashionMNIST, channels: 1, size: 8, classNames: ["0", "1", "2", "3"], pixels: pixels, labels: labels)
    }()

    private static func configuration(
        shards: Int = 4, _ change: (inout SearchConfiguration) -> Void = { _ in }
    ) -> SearchConfiguration {
        var configuration = SearchConfiguration(
            supernet: SupernetShape(
                space: "nasbench201", channels: 4, cells: 1, classes: 4, inputChannels: 1, imageSize: 8),
            dataset: .fashionMNIST, datasetDigest: images.digest, epochs: 3, batch: 32, shards: shards, seed: 17)
        configuration.network = NetworkTraining(genotype: cell)
        configuration.weights.learningRate = 0.1
        configuration.weights.minimumLearningRate = 0
        change(&configuration)
        return configuration
    }

    /// Used by one thread.
    private final class Kept: @unchecked Sendable {
        var states: [SearchState] = []
    }

    @Test("all images train the weights, a step is one half-step, and the last, smaller batch is dropped")
    func plan() {
        let plan = TrainingPlan(configuration: Self.configuration(), imageCount: 150)
        #expect(plan.weightsImages == 150 && plan.alphasImages == 0 && plan.selectionShards == 0)
        #expect(plan.stepsPerEpoch == 4 && plan.halfSteps == 12)
        #expect(
            plan.halfStep(5) == HalfStep(index: 5, kind: .weights, part: .whole, epoch: 1, step: 1, halfStepsPerStep: 1)
        )
        #expect(plan.learningRate(epoch: 0) == 0.1)
        #expect(plan.dropPath(epoch: 1) == nil)
        let dropping = TrainingPlan(configuration: Self.configuration { $0.network?.dropPath = 0.3 }, imageCount: 150)
        #expect(dropping.dropPath(epoch: 0)?.probability == 0)
        #expect(dropping.dropPath(epoch: 2)?.probability == 0.3 * 2 / 3)
    }

    @Test("a network learns; going on from a checkpoint leads to the same digest, other seeds to others")
    func training() throws {
        let configuration = Self.configuration()
        let kept = Kept()
        var epochs: [(LossSum, LossSum)] = []
        let outcome = try LocalSearch.run(
            configuration: configuration, replica: Replica(configuration: configuration, dataset: Self.images),
            keeping: .init(interval: 5, save: { kept.states.append($0) })
        ) { event in
            if case .epochEnded(_, let training, let validation) = event { epochs.append((training, validation)) }
        }
        #expect(epochs.count == 3 && epochs.allSatisfy { $0.0.images == 128 && $0.1.images == 0 })
        #expect(epochs[2].0.mean < epochs[0].0.mean)
        #expect(outcome.losses.count == 12 && outcome.state.alphas.isEmpty && outcome.selection == .none)
        #expect(kept.states.map(\.training.appliedHalfSteps) == [5, 10])

        let resumed = try LocalSearch.run(
            configuration: configuration, replica: Replica(configuration: configuration, dataset: Self.images),
            from: kept.states[0]
        ) { _ in }
        #expect(resumed.digest == outcome.digest)
        let other = Self.configuration { $0.seed = 18 }
        let another = try LocalSearch.run(
            configuration: other, replica: Replica(configuration: other, dataset: Self.images)
        ) { _ in }
        #expect(another.digest != outcome.digest)
    }

    @Test("running statistics go a tenth of the way to the mean over shards, and have no momentum")
    func statistics() throws {
        let configuration = Self.configuration(shards: 4)
        let replica = try Replica(configuration: configuration, dataset: Self.images)
        let before = replica.state
        let halfStep = replica.plan.halfStep(0)
        var shards: [[Float]] = []
        for shard in 0..<4 {
            var gradient = [Float](repeating: .nan, count: before.weights.count)
            _ = replica.computeShards(shard..<shard + 1, of: halfStep) { _, elements, sum in
                for i in elements { gradient[i] = sum[i] }
            }
            shards.append(gradient)
        }
        var sum = [Float](repeating: 0, count: before.weights.count)
        for i in sum.indices { sum[i] = (shards[0][i] + shards[1][i]) + (shards[2][i] + shards[3][i]) }
        let measured = sum
        try sum.withUnsafeMutableBufferPointer {
            try replica.apply(
                halfStep, gradientSum: $0, losses: Array(repeating: LossSum(loss: 1, correct: 0, images: 8), count: 4))
        }
        let after = replica.state
        let statistics = replica.parameters.entries.filter { $0.name.contains("running_") }
        #expect(statistics.count == 2 * 12)
        for entry in statistics {
            for i in entry.range {
                let expected = 0.9 * Double(before.weights[i]) + 0.1 * Double(measured[i]) / 4
                #expect(abs(Double(after.weights[i]) - expected) <= 1e-6 * max(1, abs(expected)), "\(entry.name)")
                #expect(after.momentum[i] == 0)
            }
        }
        #expect(after.momentum.first != 0)
    }

    @Test("a statistic that is not finite is found, and leaves the state as it was")
    func notFinite() throws {
        let configuration = Self.configuration()
        let replica = try Replica(configuration: configuration, dataset: Self.images)
        let before = replica.state
        var sum = [Float](repeating: 0, count: before.weights.count)
        sum[sum.count - 1] = .infinity
        let losses = Array(repeating: LossSum(loss: 1, correct: 0, images: 8), count: 4)
        #expect(throws: SearchError.nonFinite(halfStep: 0)) {
            try sum.withUnsafeMutableBufferPointer {
                try replica.apply(replica.plan.halfStep(0), gradientSum: $0, losses: losses)
            }
        }
        #expect(replica.state == before)
    }

    @Test("without a limit gradients are not clipped")
    func clip() {
        var optimizer = WeightsOptimizer()
        optimizer.momentum = 0
        optimizer.weightDecay = 0
        optimizer.nesterov = false
        for (clip, expected) in [(0.0, Float(-3000)), (5, -3)] {
            optimizer.clip = clip
            let arithmetic = TrainingArithmetic(weights: optimizer, alphas: .init(), shards: 1)
            var state = TrainingState(weights: [0, 0], alphas: [])
            let norm = [Float(3000), 4000].withUnsafeBufferPointer {
                arithmetic.stepWeights(of: &state, gradientSum: $0, learningRate: 1)
            }
            #expect(norm == 5000)
            #expect(abs(state.weights[0] - expected) < 1e-3)
        }
    }

    struct Mistake: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let make: @Sendable (inout SearchConfiguration) -> Void

        init(_ message: String, _ make: @escaping @Sendable (inout SearchConfiguration) -> Void) {
            testDescription = message
            self.make = make
        }
    }

    @Test(
        "impossible trainings are refused with the value and what is allowed",
        arguments: [
            Mistake("not a genotype") { $0.network?.genotype = "Genotype(cell=[[('conv', 0)]])" },
            Mistake("the chance to drop a path is 1.0") { $0.network?.dropPath = 1 },
            Mistake("a cutout of 9 pixels") { $0.network?.cutout = 9 },
            Mistake("no auxiliary head") { $0.network?.auxiliaryWeight = 0.4 },
            Mistake("the auxiliary head's weight is -1.0") { $0.network?.auxiliaryWeight = -1 },
            Mistake("a batch of 256 images is more than there are: 150") { $0.batch = 256 },
        ])
    func refusals(_ mistake: Mistake) {
        let configuration = Self.configuration { mistake.make(&$0) }
        do throws(SearchError) {
            try configuration.validate(imageCount: 150)
            Issue.record("accepted")
        } catch {
            #expect(error.description.contains(mistake.testDescription), "\(error)")
        }
    }

    @Test("a cutout blanks a square, which depends on seed, epoch and image")
    func cutout() {
        let loader = ImageLoader(dataset: Self.images, seed: 4)
        func blank(_ image: Int, epoch: Int, side: Int) -> Int {
            var plain = [Float](repeating: 0, count: 64)
            var cut = plain
            loader.fill([image], augmentation: nil, epoch: epoch, into: &plain)
            loader.fill(
                [image], augmentation: Augmentation(cropPadding: 0, flips: false, cutout: side), epoch: epoch,
                into: &cut)
            #expect(zip(plain, cut).allSatisfy { $0 == $1 || $1 == 0 })
            return cut.count { $0 == 0 }
        }
        let areas = (0..<20).map { blank($0, epoch: 0, side: 4) }
        #expect(areas.allSatisfy { (4...16).contains($0) } && Set(areas).count > 1 && areas.contains(16))
        #expect((0..<20).map { blank($0, epoch: 1, side: 4) } != areas)
        #expect(blank(0, epoch: 0, side: 0) == 0)
    }
}
