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

    /// All of some criteria, in one process.
    private func compare(
        _ space: String, _ criteria: [Criterion], _ change: (inout SelectionOptions) -> Void = { _ in }
    ) throws -> ComparisonResult {
        let replica = try replica(space) {
            change(&$0)
            $0.compared = criteria
        }
        return try #require(LocalSearch.select(replica: replica) { _ in }.comparison)
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
        let space = try SearchSpace.of(replica.plan.configuration.supernet)
        let found = try compare("small", Criterion.all(of: Criterion.Kind.allCases, in: space))
        let all = try #require(found.cells)
        #expect(all.cells.count == 36 && Set(all.cells).count == 36)
        #expect(all.cells == all.cells.sorted { $0.lexicographicallyPrecedes($1) })
        for (cell, loss) in zip(all.cells, all.losses) {
            for (edge, operation) in cell.enumerated() { #expect(space.candidates[edge].contains(operation)) }
            let task = StrengthTask(replacement: nil, decided: cell.map { $0 }, shards: 0..<6)
            #expect(LossSum.sum(replica.evaluate(task)) == loss)
        }
        let best = try #require(found.criteria.last)
        #expect(best.criterion.kind == .exhaustive)
        #expect(best.loss.loss == all.losses.map(\.loss).min())
        #expect(best.evaluations == 36 * 6)
        #expect(found.images == 48 && found.criteria.count == 2 * (3 + 4) + 1)
        for result in found.criteria {
            #expect(result.loss.loss >= best.loss.loss, "\(result.criterion)")
            let place = try #require(all.cells.firstIndex(of: result.operations))
            #expect(result.loss == all.losses[place] && result.loss.images == 48)
            if result.criterion.withoutNone {
                #expect(
                    !zip(result.operations, space.candidates).contains {
                        space.operations[$0] == "none" && $1.count > 1
                    })
            }
        }
    }

    @Test("spaces with too many cells are refused, with their number")
    func tooMany() throws {
        let error = #expect(throws: SearchError.self) { try compare("darts", [Criterion(.exhaustive)]) }
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
            let selected = try LocalSearch.select(replica: replica) { _ in }.selection
            let criterion = Criterion(kind, weight: weight, withoutNone: true)
            let result = try #require(try compare(space, [criterion]) { $0.images = 8 }.criteria.first)
            #expect(result.operations == selected.operations && result.kept == selected.kept)
            #expect(result.evaluations == selected.evaluations)
        }
    }

    @Test("magnitude keeps the largest β, and chance depends on the seed alone")
    func withoutMeasuring() throws {
        let replica = try replica("darts") { $0.images = 8 }
        let selected = try LocalSearch.select(replica: replica) { _ in }.selection
        func choices(seed: UInt64) throws -> [CriterionResult] {
            try compare("darts", [Criterion(.magnitude), Criterion(.random)]) {
                $0.images = 8
                $0.edgeOrderSeed = seed
            }.criteria
        }
        let found = try choices(seed: 1)
        let (magnitude, random) = (found[0], found[1])
        #expect(magnitude.operations == selected.magnitudeOperations && magnitude.kept == selected.magnitudeKept)
        #expect(magnitude.evaluations == 0)
        let (other, again) = (try choices(seed: 2)[1], try choices(seed: 1)[1])
        #expect(random.operations == again.operations && random.kept == again.kept)
        #expect(random.operations != other.operations && random.kept != other.kept)
        #expect(random.kept.count { $0 } == 16)
    }

    @Test("first-order strength is the derivative of the loss by β, against that of the whole mixture")
    func firstOrder() throws {
        let replica = try replica("nasbench201")
        let betas = replica.betas()
        let strengths = CriteriaComparison.firstOrder(
            (0..<6).map { replica.selectionGradient(shard: $0).gradient }, betas: betas)
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

    @Test("whoever answers when, and whatever is lost or answered twice, the table is the same", arguments: [1, 2, 3])
    func anyOrder(seed: UInt64) throws {
        let space = try SearchSpace.of(replica("small").plan.configuration.supernet)
        let criteria = Criterion.all(of: Criterion.Kind.allCases, in: space)
        let replica = try replica("small") { $0.compared = criteria }
        let expected = try #require(LocalSearch.select(replica: replica) { _ in }.comparison)
        var comparison = try CriteriaComparison(criteria, betas: replica.betas(), plan: replica.plan)
        let draws = Philox(seed: seed, purpose: .synthetic)
        var (place, done) = (0, 0)
        func draw(_ count: Int) -> Int {
            place += 1
            return draws.integer(below: count, at: place)
        }
        var out: [StrengthTask] = []
        var chosen: [Criterion] = []
        while !comparison.isFinished {
            while out.count < 5, let task = comparison.takeTask() { out.append(task) }
            let task = out.remove(at: draw(out.count))
            if draw(4) == 0 {
                comparison.returnTask(task)
                continue
            }
            let evaluation = replica.answer(task)
            for _ in 0...draw(2) {
                for case .chosen(let criterion) in try comparison.record(evaluation) { chosen.append(criterion) }
            }
            #expect(comparison.progress.done >= done && comparison.progress.done <= comparison.progress.total)
            done = comparison.progress.done
        }
        #expect(comparison.result == expected)
        // Magnitude and chance need no evaluation.
        #expect(Set(chosen) == Set(criteria.filter { $0.kind != .magnitude && $0.kind != .random }))
        #expect(chosen.count == Set(chosen).count)
    }

    @Test("a result that differs from another, or fits nothing, is refused")
    func impossibleResults() throws {
        let criteria = [Criterion(.strength), Criterion(.firstOrder)]
        let replica = try replica("small") { $0.compared = criteria }
        var comparison = try CriteriaComparison(criteria, betas: replica.betas(), plan: replica.plan)
        var tasks: [StrengthTask] = []
        while let task = comparison.takeTask() { tasks.append(task) }
        let loss = try #require(tasks.first { $0.criterion == 0 })
        let gradient = try #require(tasks.first { $0.criterion == 1 })
        for task in [loss, gradient] {
            let answer = replica.answer(task)
            _ = try comparison.record(answer)
            var wrong = answer
            wrong.losses[0].loss *= 0.5
            wrong.derivatives?[0] += 1
            #expect(throws: SearchError.self) { try comparison.record(wrong) }
        }
        var answer = replica.answer(gradient)
        answer.derivatives?.removeLast()
        #expect(throws: SearchError.self) { try comparison.record(answer) }
        answer = replica.answer(loss)
        for criterion in [nil, 1, 2] as [Int?] {
            answer.task.criterion = criterion
            #expect(throws: SearchError.self) { try comparison.record(answer) }
        }
        for criterion in [-1, 2] {
            var task = loss
            task.criterion = criterion
            #expect(throws: SearchError.self) { try replica.validate(task) }
        }
        #expect(throws: SearchError.self) { try self.replica("small").validate(loss) }
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
