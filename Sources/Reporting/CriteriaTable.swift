import NASBench201
import Search
import Supernet

/// What the criteria chose from one supernet, side by side.
public struct CriteriaTable: Sendable {
    private let results: [(result: CriterionResult, cell: CellReport)]
    private let space: SearchSpace

    /// One row a criterion.
    public init(_ results: [CriterionResult], space: SearchSpace) {
        self.space = space
        self.results = results.map { result in
            (result, CellReport(space: space, operations: result.operations, kept: result.kept))
        }
    }

    /// What a criterion looks at, and among which operations, in words.
    public static func name(_ criterion: Criterion) -> String {
        let weight =
            switch criterion.weight {
            case .one: ""
            case .beta: ", own beta"
            case .variance: ", mixture's variance"
            }
        return criterion.kind.rawValue + weight + (criterion.withoutNone ? ", without none" : "")
    }

    /// For a terminal.
    public func lines(_ frame: TextTable.Frame) -> [String] {
        let hasBenchmark = space == .nasbench201
        var table = TextTable(
            header: ["criterion", "loss of the cell", "evaluations"]
                + (hasBenchmark
                    ? ["\(Benchmark.Dataset.cifar10.rawValue) test", "rank of \(Answer.benchmarkSize)"] : []))
        for (result, cell) in results {
            var row = [
                Self.name(result.criterion), SearchProgress.fixed(result.loss.mean, 3),
                Answer.grouped(result.evaluations),
            ]
            if let accuracy = cell.accuracies.first {
                row += [SearchProgress.fixed(accuracy.test, 2) + " %", Answer.grouped(accuracy.rank)]
            }
            table.append(row)
        }
        return table.lines(frame)
    }

    /// `criteria.csv`.
    public var csv: String {
        var text = "criterion,weight,without_none,mean_loss,accuracy,images,evaluations,cifar10_test,rank,cell\n"
        for (result, cell) in results {
            let accuracy = cell.accuracies.first
            let fields = [
                result.criterion.kind.rawValue, result.criterion.weight.rawValue, "\(result.criterion.withoutNone)",
                "\(result.loss.mean)", "\(result.loss.accuracy)", "\(result.loss.images)", "\(result.evaluations)",
                accuracy.map { "\($0.test)" } ?? "", accuracy.map { "\($0.rank)" } ?? "",
                "\"\(cell.architecture ?? cell.genotype)\"",
            ]
            text += fields.joined(separator: ",") + "\n"
        }
        return text
    }
}

/// All cells of NAS-Bench-201 with their losses by a supernet's weights, beside what the benchmark measured.
public struct CellLossTable: Sendable {
    private let rows: [(architecture: Architecture, loss: LossSum, accuracy: Double)]

    /// - Precondition: the losses are those of cells of NAS-Bench-201.
    public init(_ losses: ExhaustiveLosses) {
        rows = zip(losses.cells, losses.losses).map { operations, loss in
            guard let architecture = Architecture(operations: operations) else {
                preconditionFailure("a cell of NAS-Bench-201 has six operations of five")
            }
            return (architecture, loss, Benchmark.entry(for: architecture).accuracy(.cifar10Test))
        }
    }

    /// One sentence on how well the supernet's losses rank the cells.
    public var sentence: String {
        let losses = rows.map { -$0.loss.mean }
        let accuracies = rows.map(\.accuracy)
        func text(_ value: Double?) -> String { value.map { SearchProgress.fixed($0, 3) } ?? "none" }
        return
            "Rank correlation of the supernet's losses with the true CIFAR-10 test accuracies of \(Answer.grouped(rows.count)) cells: "
            + "Kendall's tau \(text(RankCorrelation.kendall(losses, accuracies))), Spearman's rho "
            + "\(text(RankCorrelation.spearman(losses, accuracies)))."
    }

    /// `cells.csv`.
    public var csv: String {
        rows.reduce(into: "cell,mean_loss,accuracy,cifar10_test\n") { text, row in
            text += "\"\(row.architecture)\",\(row.loss.mean),\(row.loss.accuracy),\(row.accuracy)\n"
        }
    }
}
