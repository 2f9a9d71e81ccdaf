import Reporting
import Search
import Supernet

/// Several criteria on one supernet, in this process: progress, the run folder, the table.
struct ComparisonRun {
    let prepared: PreparedRun
    let kinds: [Criterion.Kind]

    func perform() throws {
        let configuration = prepared.configuration
        let space = try SearchSpace.of(configuration.supernet)
        let replica = try Replica(configuration: configuration, dataset: try prepared.loadImages())
        if let state = prepared.initialState { replica.state = state }
        let comparison = try CriteriaComparison(replica, seed: configuration.selection.edgeOrderSeed ?? 0)
        if kinds.contains(.exhaustive) { try comparison.requireExhaustible() }
        let folder = try RunFolder.create(prepared.output)
        try folder.write(
            "config.json",
            json: RunDescription(
                command: "select", preset: nil, data: prepared.dataFolder, supernet: prepared.supernetFile, workers: 0,
                configuration: configuration))
        let start = ContinuousClock.now
        var results: [CriterionResult] = []
        var cells: CellLossTable?
        for criterion in Criterion.all(of: kinds, in: space) {
            let name = CriteriaTable.name(criterion)
            let began = ContinuousClock.now
            func show(_ done: Int, _ total: Int) {
                let seconds = (ContinuousClock.now - began) / .seconds(1)
                Program.console.show(
                    .init(
                        text: "\(name)  \(done)/\(total) evaluations", fraction: Double(done) / Double(max(total, 1)),
                        remaining: seconds / Double(max(done, 1)) * Double(total - done), detail: ""),
                    at: (ContinuousClock.now - start) / .seconds(1))
            }
            if criterion.kind == .exhaustive {
                let losses = try comparison.exhaustive(show)
                results.append(comparison.best(of: losses))
                if space == .nasbench201 { cells = CellLossTable(losses) }
            } else {
                results.append(try comparison.choose(criterion, progress: show))
            }
            Program.console.clearStatus()
            Program.console.print("chosen by \(name)")
        }
        let table = CriteriaTable(results, space: space)
        if let cells { try folder.write("cells.csv", cells.csv) }
        try folder.write("criteria.csv", table.csv)
        let images = Answer.grouped(comparison.images)
        try StandardOutput.print(
            [""] + table.lines(StandardOutput.frame)
                + [
                    "",
                    "Losses are by the supernet's weights, on \(images) held-out images of "
                        + "\(configuration.dataset.rawValue), with every operation at weight 1.",
                ] + (cells.map { [$0.sentence] } ?? []) + ["Run folder    \(folder.path)"])
    }
}
