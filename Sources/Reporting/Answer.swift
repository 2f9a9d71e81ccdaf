import Search
import Supernet

/// The end of a search as a person reads it: two cells side by side, and what they are worth.
public enum Answer {
    /// How many cells the benchmark knows, as it is written in text.
    static let benchmarkSize = "15,625"

    /// The lines to print.
    ///
    /// - Parameters:
    ///   - epochs: that the supernet was trained for; nil where nobody knows.
    ///   - folder: the run folder's path.
    public static func lines(
        _ summary: Summary, space: SearchSpace, epochs: Int?, configuration: SearchConfiguration, folder: String,
        frame: TextTable.Frame
    ) -> [String] {
        var lines = [""]
        lines += table(summary, space: space, configuration.selection.criterion ?? .strength).lines(frame)
        lines.append("")
        lines.append(
            "The supernet before selection: loss \(SearchProgress.fixed(summary.supernet.loss, 3)), accuracy "
                + "\(SearchProgress.percent(summary.supernet.accuracy)) on \(grouped(summary.supernet.images)) "
                + "held-out images of \(configuration.dataset.rawValue).")
        lines.append(evaluations(summary.evaluations, configuration.selection))
        lines.append(kind(epochs: epochs, configuration.supernet, space))
        if let architecture = summary.architecture { lines.append("Architecture  \(architecture)") }
        lines.append("Genotype      \(summary.genotype)")
        lines.append("Run folder    \(folder)   (digest \(summary.digest.prefix(16)), \(duration(summary.seconds)))")
        return lines
    }

    /// What the selection took, and what it would have taken.
    static func evaluations(_ evaluations: Summary.Evaluations, _ options: SelectionOptions) -> String {
        let share = Double(evaluations.used) / Double(max(evaluations.fullTable, 1))
        let rule =
            options.racing.map { "racing at a confidence of \($0)" }
            ?? (options.halving == true ? "halving" : evaluations.used < evaluations.fullTable ? "exact pruning" : nil)
        return "Evaluations: \(grouped(evaluations.used)) of the full table's \(grouped(evaluations.fullTable)) "
            + "(\(SearchProgress.percent(share)))\(rule.map { ", by \($0)" } ?? "")."
    }

    /// One honest sentence about what the run can show.
    static func kind(epochs: Int?, _ shape: SupernetShape, _ space: SearchSpace) -> String {
        let training = epochs.map { "\($0) \($0 == 1 ? "epoch" : "epochs")" } ?? "trained elsewhere"
        let cells = space == .nasbench201 ? "N=\(shape.cells)" : "\(shape.cells) cells"
        let size = "C=\(shape.channels), \(cells), \(training)"
        if shape.channels >= 16 && shape.cells >= space.defaultCells && epochs ?? 50 >= 50 {
            return "A supernet of the published size (\(size)). One seed is one sample: compare over several."
        }
        return
            "A small, briefly trained supernet (\(size)): its betas are still close to uniform, so which cell wins is\n"
            + "largely chance. This shows the method at work; it cannot show how strength compares with magnitude."
    }

    static func table(
        _ summary: Summary, space: SearchSpace, _ criterion: SelectionCriterion = .strength
    ) -> TextTable {
        let (strength, magnitude) = (summary.strengthCell, summary.magnitudeCell)
        var table = TextTable(header: ["", "by \(criterion.rawValue)", "by magnitude"])
        for edge in space.edges.indices {
            table.append(["edge \(space.edgeName(edge))", name(strength, edge), name(magnitude, edge)])
        }
        for (one, other) in zip(strength.accuracies, magnitude.accuracies) {
            table.appendRule()
            table.append([
                "\(one.dataset) validation", SearchProgress.fixed(one.validation, 2) + " %",
                SearchProgress.fixed(other.validation, 2) + " %",
            ])
            table.append([
                "\(one.dataset) test", SearchProgress.fixed(one.test, 2) + " %",
                SearchProgress.fixed(other.test, 2) + " %",
            ])
            table.append(["rank of \(benchmarkSize)", grouped(one.rank), grouped(other.rank)])
        }
        if let parameters = strength.parametersMillions, let others = magnitude.parametersMillions {
            table.appendRule()
            table.append([
                "parameters", SearchProgress.fixed(parameters, 3) + " M", SearchProgress.fixed(others, 3) + " M",
            ])
        }
        return table
    }

    /// The lines that `ostr query` prints for one cell.
    public static func lines(_ cell: CellReport, space: SearchSpace, frame: TextTable.Frame) -> [String] {
        var table = TextTable(header: ["data set", "validation", "test", "rank of \(benchmarkSize)"])
        for accuracy in cell.accuracies {
            table.append([
                accuracy.dataset, SearchProgress.fixed(accuracy.validation, 2) + " %",
                SearchProgress.fixed(accuracy.test, 2) + " %", grouped(accuracy.rank),
            ])
        }
        var lines = [cell.architecture ?? cell.genotype] + table.lines(frame)
        if let parameters = cell.parametersMillions, let index = cell.index {
            lines.append("parameters \(SearchProgress.fixed(parameters, 3)) M, number \(index) of the benchmark")
        }
        return lines
    }

    private static func name(_ cell: CellReport, _ edge: Int) -> String {
        guard cell.operations.indices.contains(edge) else { return "" }
        return cell.kept[edge] ? cell.operations[edge] : "-"
    }

    private static func duration(_ seconds: Double) -> String { SearchProgress.duration(seconds) }

    /// `15,625`.
    public static func grouped(_ number: Int) -> String {
        var digits = Array("\(number.magnitude)")
        var place = digits.count - 3
        while place > 0 {
            digits.insert(",", at: place)
            place -= 3
        }
        return (number < 0 ? "-" : "") + String(digits)
    }
}
