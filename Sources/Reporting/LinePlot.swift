/// A plot of y over x as SVG: lines and points in one frame with ticks and a legend.
struct LinePlot {
    /// What is drawn in one colour.
    struct Series {
        enum Form {
            case line
            case points
        }

        var name: String
        var form: Form
        var color: String
        var values: [(x: Double, y: Double)]
    }

    var title: String
    var xLabel: String
    var yLabel: String
    var series: [Series]
    /// Dashed lines across the frame, each with a word.
    var verticals: [(x: Double, label: String)] = []
    /// What the y axis covers; nil for what the series do.
    var yRange: ClosedRange<Double>?

    // Lengths are in pixels.
    private static let (width, height) = (640, 420)
    private static let (left, right, top, bottom) = (70.0, 20.0, 50.0, 60.0)

    var svg: String {
        let (xs, ys) = (Axis(covering: series.flatMap { $0.values.map(\.x) }), yAxis)
        func x(_ value: Double) -> String {
            coordinate(Self.left + xs.share(value) * (Double(Self.width) - Self.left - Self.right))
        }
        func y(_ value: Double) -> String {
            coordinate(
                Double(Self.height) - Self.bottom - ys.share(value) * (Double(Self.height) - Self.top - Self.bottom))
        }
        let (x0, x1, y0, y1) = (x(xs.low), x(xs.high), y(ys.low), y(ys.high))
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(Self.width)\" height=\"\(Self.height)\" "
                + "viewBox=\"0 0 \(Self.width) \(Self.height)\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"13\">",
            "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
            "<text x=\"\(coordinate(Self.left))\" y=\"24\" font-size=\"16\" font-weight=\"bold\">\(SVG.escaped(title))</text>",
        ]
        for tick in xs.ticks {
            lines.append("<path d=\"M \(x(tick)) \(y0) V \(y1)\" stroke=\"#e3e7ec\"/>")
            lines.append(text(xs.text(tick), "x=\"\(x(tick))\" y=\"\(Self.height - 40)\" text-anchor=\"middle\""))
        }
        for tick in ys.ticks {
            lines.append("<path d=\"M \(x0) \(y(tick)) H \(x1)\" stroke=\"#e3e7ec\"/>")
            lines.append(
                text(ys.text(tick), "x=\"\(Int(Self.left) - 8)\" y=\"\(y(tick))\" dy=\"4\" text-anchor=\"end\""))
        }
        lines.append("<path d=\"M \(x0) \(y1) V \(y0) H \(x1)\" fill=\"none\" stroke=\"#44546a\"/>")
        for (value, label) in verticals where (xs.low...xs.high).contains(value) {
            lines.append("<path d=\"M \(x(value)) \(y0) V \(y1)\" stroke=\"#7a8794\" stroke-dasharray=\"5 4\"/>")
            lines.append(text(label, "x=\"\(x(value))\" y=\"\(y1)\" dx=\"6\" dy=\"14\" fill=\"#5b6773\""))
        }
        lines.append(text(xLabel, "x=\"\(Self.width / 2)\" y=\"\(Self.height - 14)\" text-anchor=\"middle\""))
        lines.append(
            text(yLabel, "transform=\"translate(20 \(Self.height / 2)) rotate(-90)\" text-anchor=\"middle\""))
        for (place, series) in series.enumerated() {
            let points = series.values.map { "\(x($0.x)) \(y($0.y))" }
            let legend = Self.height - Int(Self.bottom) - 14 - 20 * (self.series.count - 1 - place)
            switch series.form {
            case .line:
                lines.append(
                    "<path d=\"M \(points.joined(separator: " L "))\" fill=\"none\" stroke=\"\(series.color)\" "
                        + "stroke-width=\"2\"/>")
                lines.append("<path d=\"M 420 \(legend) h 24\" stroke=\"\(series.color)\" stroke-width=\"2\"/>")
            case .points:
                lines += series.values.map {
                    "<circle cx=\"\(x($0.x))\" cy=\"\(y($0.y))\" r=\"4\" fill=\"\(series.color)\"/>"
                }
                lines.append("<circle cx=\"432\" cy=\"\(legend)\" r=\"4\" fill=\"\(series.color)\"/>")
            }
            lines.append(text(series.name, "x=\"452\" y=\"\(legend + 4)\""))
        }
        return lines.joined(separator: "\n") + "\n</svg>\n"
    }

    private var yAxis: Axis {
        Axis(covering: yRange.map { [$0.lowerBound, $0.upperBound] } ?? series.flatMap { $0.values.map(\.y) })
    }

    private func text(_ content: String, _ attributes: String) -> String {
        "<text \(attributes)>\(SVG.escaped(content))</text>"
    }

    private func coordinate(_ value: Double) -> String { SearchProgress.fixed(value, 1) }
}

/// From one round number to another, with ticks at round ones.
private struct Axis {
    let ticks: [Double]
    private let decimals: Int

    var low: Double { ticks[0] }
    var high: Double { ticks[ticks.count - 1] }

    init(covering values: [Double]) {
        let (low, high) = (values.min() ?? 0, values.max() ?? 1)
        let span = high > low ? high - low : 1
        var (step, decimals) = (1.0, 0)
        while step > span / 4 {
            step /= 10
            decimals += 1
        }
        while step * 10 <= span / 4 {
            step *= 10
            decimals -= 1
        }
        if step * 5 <= span / 4 { step *= 5 } else if step * 2 <= span / 4 { step *= 2 }
        self.decimals = max(decimals, 0)
        let first = (low / step).rounded(.down)
        let last = (high / step).rounded(.up)
        ticks = (0...Int(max(last - first, 1))).map { (first + Double($0)) * step }
    }

    func share(_ value: Double) -> Double { (value - low) / (high - low) }

    func text(_ tick: Double) -> String { SearchProgress.fixed(tick, decimals) }
}

/// What all pictures share.
enum SVG {
    static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;")
    }
}
