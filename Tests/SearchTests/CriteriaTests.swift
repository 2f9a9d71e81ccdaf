import Datasets
import Kernels
import Supernet
import Testing

@testable import Search

@Suite("Criteria")
struct CriteriaTests {
    private static let images: ImageDataset = {
        let draws = Philox(seed: 6, purpose: .synthetic)
        return ImageDataset(
            kind: .fashionMNIST, channels: 1, size: 8, classNames: ["a", "b", "c"],
            pixels: (0..<96 * 64).map { UInt8(draws.integer(below: 256, at: $0)) },
            labels: (0..<96).map { UInt8($0 % 3) })
    }()

    /// A space with 36 complete cells.
    private static let small = SpaceDefinition(
        name: "small", keptInputs: nil, excluded: [],
        normal: [
            .init(node: 2, source: 0, operations: ["skip_connect", "sep_conv_3x3", "none"]),
            .init(node: 2, source: 1, operations: ["avg_pool_3x3", "dil_conv_3x3"]),
        ],
        reduce: [
            .init(node: 2, source: 0, operations: ["skip_connect", "max_pool_3x3"]),
            .init(node: 2, source: 1, operations: ["none", "sep_conv_3x3", "noise"]),
        ])

    /// A supernet with alphas that are far from equal.
    private func replica(_ space: String, _ change: (inout SelectionOptions) -> Void = { _ in }) throws -> Replica {
        let definition = space == "small" ? Self.small : nil
        var configuration = SearchConfiguration(
            supernet: SupernetShape(
                space: space, definition: definition, channels: 4, cells: space == "nasbench201" ? 1 : 3, classes: 3,
                inputChannels: 1, imageSize: 8),
            dataset: .fashionMNIST, datasetDigest: Self.images.digest, epochs: 0, batch: 16, shards: 2, seed: 8)
        configuration.convolution = .direct
        change(&configuration.selection)
        let replica = try Replica(configuration: configuration, dataset: Self.images)
        var state = replica.state
        let draws = Philox(seed: 9, purpose: .synthetic)
        for place in state.alphas.indices { state.alphas[place] = draws.normal(at: place) }
        replica.state = state
        return replica
    }

    @Test("there is a row for each weight and each way with `none`")
    func all() {
        let kinds = Criterion.Kind.allCases
        #expect(Criterion.all(of: kinds, in: .nasbench201).count == 2 * (3 + 4) + 1)
        #expect(Criterion.all(of: kinds, in: .darts).count == 3 + 5, "`none` is no candidate there")
        #expect(Set(Criterion.all(of: kinds, in: .nasbench201)).count == 15)
    }

    @Test("the exhaustive choice is the best of all cells, and no criterion's cell is better")
    func exhaustive() throws {
        let replica = try replica("small")
        let comparison = try CriteriaComparison(replica, seed: 1)
        let all = try comparison.exhaustive()
        #expect(all.cells.count == 36 && Set(all.cells).count == 36)
        let space = try SearchSpace.of(replica.plan.configuration.supernet)
        for (cell, loss) in zip(all.cells, all.losses) {
            for (edge, operation) in cell.enumerated() { #expect(space.candidates[edge].contains(operation)) }
            let task = StrengthTask(replacement: nil, decided: cell.map { $0 }, shards: 0..<6)
            #expect(LossSum.sum(replica.evaluate(task)) == loss)
        }
        let best = try comparison.choose(Criterion(.exhaustive))
        #expect(best.loss.loss == all.losses.map(\.loss).min())
        #expect(best.evaluations == 36 * 6)
        for criterion in Criterion.all(of: Criterion.Kind.allCases, in: space) {
            let result = try comparison.choose(criterion)
            #expect(result.loss.loss >= best.loss.loss, "\(criterion)")
            #expect(result.loss.images == 48)
            if criterion.withoutNone {
                #expect(
                    !zip(result.operations, space.candidates).contains {
                        space.operations[$0] == "none" && $1.count > 1
                    })
            }
        }
    }

    @Test("spaces with too many cells are refused, with their number")
    func tooMany() throws {
        let comparison = try CriteriaComparison(try replica("darts"), seed: 1)
        let error = #expect(throws: SearchError.self) { try comparison.choose(Criterion(.exhaustive)) }
        #expect(error?.description.contains("10^23") == true, "\(String(describing: error))")
    }

    @Test("strength and removal are those of the selection", arguments: ["nasbench201", "darts"])
    func selections(space: String) throws {
        for (kind, weight) in [(Criterion.Kind.strength, OperationWeight.variance), (.removal, .one)] {
            let replica = try replica(space) {
                $0.images = 8
                if kind == .removal { $0.criterion = .removal }
                if weight != .one { $0.weight = weight }
                $0.withoutNone = true
            }
            let selected = try LocalSearch.select(replica: replica) { _ in }
            let comparison = try CriteriaComparison(try self.replica(space) { $0.images = 8 }, seed: 1)
            let result = try comparison.choose(Criterion(kind, weight: weight, withoutNone: true))
            #expect(result.operations == selected.operations && result.kept == selected.kept)
            #expect(result.evaluations > 0)
        }
    }

    @Test("magnitude keeps the largest β, and chance depends on the seed alone")
    func withoutMeasuring() throws {
        let replica = try replica("darts") { $0.images = 8 }
        let selected = try LocalSearch.select(replica: replica) { _ in }
        let comparison = try CriteriaComparison(replica, seed: 1)
        let magnitude = try comparison.choose(Criterion(.magnitude))
        #expect(magnitude.operations == selected.magnitudeOperations && magnitude.kept == selected.magnitudeKept)
        #expect(magnitude.evaluations == 0)
        let random = try comparison.choose(Criterion(.random))
        let other = try CriteriaComparison(try self.replica("darts"), seed: 2).choose(Criterion(.random))
        let again = try CriteriaComparison(try self.replica("darts"), seed: 1).choose(Criterion(.random))
        #expect(random.operations == again.operations && random.kept == again.kept)
        #expect(random.operations != other.operations && random.kept != other.kept)
        #expect(random.kept.count { $0 } == 16)
    }

    @Test("first-order strength is the derivative of the loss by β, against that of the whole mixture")
    func firstOrder() throws {
        let replica = try replica("nasbench201")
        let comparison = try CriteriaComparison(replica, seed: 1)
        let strengths = comparison.firstOrder()
        let betas = replica.betas()
        let task = StrengthTask(replacement: nil, decided: Array(repeating: nil, count: 6), shards: 0..<6)
        let state = replica.state
        let largest = zip(strengths.joined(), betas.joined()).map { abs($0 * $1) }.max() ?? 0
        for (edge, operation) in [(0, 1), (2, 3), (4, 4), (5, 0)] {
            // ∂L/∂α by differences; it is the negative strength times β.
            let losses = [Float(0.01), -0.01].map { step in
                var changed = state
                changed.alphas[edge * 5 + operation] += step
                replica.state = changed
                return LossSum.sum(replica.evaluate(task)).mean
            }
            let expected = -(losses[0] - losses[1]) / 0.02
            let found = Double(strengths[edge][operation] * betas[edge][operation])
            #expect(abs(found - expected) < 0.08 * Double(largest), "\(found), \(expected)")
        }
        // Moving all weights in proportion changes nothing to first order.
        for (row, beta) in zip(strengths, betas) {
            #expect(abs(zip(row, beta).reduce(0) { $0 + $1.0 * $1.1 }) < 1e-5)
        }
    }

    @Test("rank correlations of small examples are those that can be counted")
    func correlations() {
        #expect(RankCorrelation.spearman([1, 2, 3], [10, 20, 30]) == 1)
        #expect(RankCorrelation.kendall([1, 2, 3], [30, 20, 10]) == -1)
        #expect(RankCorrelation.kendall([1, 2, 3, 4], [1, 3, 2, 4]) == 4.0 / 6)
        #expect(RankCorrelation.spearman([1, 2, 3, 4], [1, 3, 2, 4]) == 0.8)
        #expect(RankCorrelation.ranks([5, 1, 5, 3]) == [2.5, 0, 2.5, 1])
        // One pair equal in one of them: τ_b is 2 / √(2 · 3).
        let tau = RankCorrelation.kendall([1, 1, 2], [1, 2, 3]) ?? 0
        #expect(abs(tau - 2 / 6.0.squareRoot()) < 1e-15)
        #expect(RankCorrelation.kendall([1, 1], [1, 2]) == nil && RankCorrelation.spearman([2, 2], [1, 2]) == nil)
    }
}
