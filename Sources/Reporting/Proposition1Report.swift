import Search

/// The study of Proposition 1 as a table, a file and a picture.
public struct Proposition1Report: Sendable {
    private let study: Proposition1

    /// A report of this study.
    public init(_ study: Proposition1) { self.study = study }

    /// For a terminal.
    public func lines(_ frame: TextTable.Frame) -> [String] {
        var table = TextTable(header: [
            "random weights", "var(o - m*)", "var(x - m*)", "cov", "beta_skip found", "closed form",
        ])
        for row in study.rows {
            table.append(
                [SearchProgress.percent(row.randomShare)]
                    + [row.convolution, row.skip, row.covariance, row.found, row.closedForm].map {
                        SearchProgress.fixed($0, 4)
                    })
        }
        return table.lines(frame)
    }

    /// `proposition1.csv`.
    public var csv: String {
        study.rows.reduce(
            into: "random_share,var_convolution,var_skip,covariance,beta_skip_found,beta_skip_closed_form\n"
        ) {
            $0 +=
                [$1.randomShare, $1.convolution, $1.skip, $1.covariance, $1.found, $1.closedForm].map { "\($0)" }
                .joined(separator: ",") + "\n"
        }
    }

    /// `proposition1.svg`.
    public var svg: String {
        LinePlot(
            title: "β_skip with which the mixture is nearest to m*",
            xLabel: "var(o − m*): how far the convolution's output is",
            yLabel: "β_skip",
            series: [
                .init(
                    name: "closed form", form: .line, color: "#1558a8",
                    values: study.rows.map { ($0.convolution, $0.closedForm) }),
                .init(
                    name: "found numerically", form: .points, color: "#c25700",
                    values: study.rows.map { ($0.convolution, $0.found) }),
            ],
            verticals: study.rows.first.map { [($0.skip, "var(x − m*)")] } ?? [], yRange: 0...1
        ).svg
    }
}
