import Datasets
import Kernels
import Supernet
import TestSupport
import Testing

@testable import Search

@Suite struct FineTunedSearchTests {
    private static let dataset = ImageDataset(
        kind: .mnist, channels: 1, size: 32, classNames: (0..<10).map { "\($0)" },
        pixels: (0..<32 * 1024).map { UInt8(truncatingIfNeeded: $0 &* 29 / 5) },
        labels: (0..<32).map { UInt8($0 % 10) })

    private func configuration(_ space: String = "nasbench201") -> SearchConfiguration {
        let dataset = Self.dataset
        var configuration = SearchConfiguration(
            supernet: SupernetShape(
                space: space, channels: 2, cells: space == "nasbench201" ? 1 : 3, classes: 10, inputChannels: 1,
                imageSize: 32),
            dataset: .mnist, images: dataset.count, datasetDigest: dataset.digest, epochs: 1, batch: 8, shards: 2,
            seed: 5)
        configuration.selection.images = 8
        return configuration
    }

    private func run(
        _ configuration: SearchConfiguration, stages: ((Int, SearchConfiguration, SearchOutcome) -> Void)? = nil
    ) throws -> SearchOutcome {
        try FineTunedSearch.run(configuration) { number, configuration, beginning in
            let replica = try Replica(configuration: configuration, dataset: Self.dataset)
            let outcome = try LocalSearch.run(
                configuration: configuration, replica: replica, from: beginning
            ) { _ in }
            stages?(number, configuration, outcome)
            return outcome
        }
    }

    @Test(
        "weights are trained between decisions, alphas are not, and every edge is decided once",
        arguments: [false, true])
    func chain(isGreedy: Bool) throws {
        var configuration = configuration()
        configuration.selection.edgeOrder = isGreedy ? .greedy : nil
        let plain = try LocalSearch.run(
            configuration: configuration, replica: Replica(configuration: configuration, dataset: Self.dataset)
        ) { _ in }
        configuration.selection.fineTuneEpochs = 2
        var decided: [Int] = []
        let outcome = try run(configuration) { number, stage, outcome in
            #expect(stage.stage?.decided.count { $0 != nil } ?? 0 == number)
            #expect(stage.stage.map(\.firstEpoch) == (number == 0 ? nil : 1 + 2 * (number - 1)))
            decided.append(outcome.selection.rows[0].edge)
            #expect(Set(outcome.selection.rows.map(\.edge)).count == 1)
        }
        #expect(Set(decided) == Set(0..<6) && (isGreedy || decided == Array(0..<6)))
        // Two steps an epoch: both halves in the first stage, the weights in the five others.
        #expect(outcome.losses.count == 2 * 2 + 5 * 2 * 2)
        #expect(outcome.state.alphas == plain.state.alphas && outcome.state.weights != plain.state.weights)
        #expect(outcome.selection.supernet == plain.selection.supernet)
        #expect(outcome.selection.rows.map(\.edge) == (0..<6).flatMap { Array(repeating: $0, count: 5) })
        let chosen = outcome.selection.rows.filter(\.chosen)
        #expect(chosen.map(\.operation) == outcome.selection.operations)
        // The first decision comes before any training between.
        let first = decided[0]
        #expect(
            outcome.selection.rows.filter { $0.edge == first } == plain.selection.rows.filter { $0.edge == first })
        #expect(try run(configuration).digest == outcome.digest)
    }

    @Test("in a space whose nodes choose their edges, they do so at last, after training once more")
    func edges() throws {
        var configuration = configuration("s2")
        configuration.batch = 16
        configuration.epochs = 0
        configuration.selection.fineTuneEpochs = 1
        configuration.selection.images = 8
        var stages = 0
        let outcome = try run(configuration) { _, _, _ in stages += 1 }
        #expect(stages == 28 + 1)
        #expect(outcome.selection.kept.count { $0 } == 16)
        #expect(outcome.selection.rows.count == 28 * 2 + 2 * (3 + 4 + 5))
        // One for the supernet that was not trained here.
        #expect(outcome.losses.count == 1 + 28 && outcome.losses[0] == outcome.selection.supernet)
    }

    @Test("the gradient with chosen operations is that of a mixture that has come down to them")
    func gradient() throws {
        for space in [SearchSpace.nasbench201, .s2] {
            let shape = SupernetShape(
                space: space.name, channels: 4, cells: space == .nasbench201 ? 1 : 3, classes: 3, inputChannels: 1,
                imageSize: 8)
            let supernet = try Supernet(shape: shape, shardImages: 2)
            supernet.load(weights: Supernet.initialWeights(supernet.parameters, seed: 2))
            let operations = space.operationsOfEdge.enumerated().map { $1[$0 % $1.count] }
            var alphas = [Float](repeating: 0, count: supernet.edges * supernet.operations)
            for (edge, operation) in operations.enumerated() { alphas[edge * supernet.operations + operation] = 1000 }
            let draws = Philox(seed: 2, purpose: .synthetic)
            let images = (0..<2 * 64).map { draws.normal(at: $0) }
            var expected = [Float](repeating: 0, count: supernet.parameters.count)
            var found = expected
            supernet.load(alphas: alphas)
            let loss = supernet.gradient(
                of: .weights, images: images, labels: [0, 2], into: &expected, ready: { _ in }
            ).loss
            supernet.load(alphas: [Float](repeating: 0, count: alphas.count))
            supernet.choices = operations.map { .single($0) }
            let chosen = supernet.gradient(
                of: .weights, images: images, labels: [0, 2], into: &found, ready: { _ in }
            ).loss
            #expect(chosen == loss)
            #expect(found == expected && found.contains { $0 != 0 })
        }
    }

    @Test("what cannot be is refused")
    func impossible() throws {
        var configuration = configuration()
        configuration.selection.fineTuneEpochs = 0
        #expect(throws: SearchError.self) { try configuration.validate(imageCount: 32) }
        configuration.selection.fineTuneEpochs = 1
        for decided in [[Int?](), [nil, nil, nil, nil, nil, 5]] {
            configuration.stage = SearchStage(decided: decided, firstEpoch: 0, firstHalfStep: 0)
            #expect(throws: SearchError.self) { try configuration.validate(imageCount: 32) }
        }
    }
}
