import Supernet

extension Genotype {
    /// The cells as a picture: nodes in a row, operations on arcs above it, and below it what the cell hands on.
    public var svg: String {
        let drawings = CellGraph.all(of: self).map(CellDrawing.init)
        let width = drawings.map(\.width).max() ?? 0
        let height = drawings.reduce(0) { $0 + $1.height }
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" "
                + "viewBox=\"0 0 \(width) \(height)\" font-family=\"Helvetica, Arial, sans-serif\">",
            "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
        ]
        var top = 0
        for drawing in drawings {
            lines.append("<g transform=\"translate(0 \(top))\">")
            lines += drawing.elements
            lines.append("</g>")
            top += drawing.height
        }
        return lines.joined(separator: "\n") + "\n</svg>\n"
    }
}

/// One cell as elements of SVG. Lengths are in pixels.
///
/// Arcs that span as many nodes are equally high. Two labels at one height are a node's distance apart, so that none
/// covers another.
private struct CellDrawing {
    private static let spacing = 118
    private static let (boxWidth, boxHeight) = (64, 30)
    /// Height of an arc over one node's distance, and by how much more for each further one.
    private static let (rise, riseStep) = (34, 28)
    private static let (below, belowStep) = (16, 8)
    private static let margin = 24
    private static let titleHeight = 34

    private let graph: CellGraph
    private let middle: Int

    init(_ graph: CellGraph) {
        self.graph = graph
        let spans = graph.arrows.filter { !$0.label.isEmpty }.map { $0.to - $0.from }
        middle = Self.titleHeight + Self.rise + Self.riseStep * (spans.max() ?? 1) + Self.boxHeight / 2
    }

    var width: Int { 2 * Self.margin + Self.spacing * (graph.nodes.count - 1) + Self.boxWidth }

    var height: Int {
        let spans = graph.arrows.filter { $0.label.isEmpty }.map { $0.to - $0.from }
        let under = spans.max().map { Self.below + Self.belowStep * $0 } ?? 0
        return middle + Self.boxHeight / 2 + under + Self.margin
    }

    var elements: [String] {
        var elements = [
            "<text x=\"\(Self.margin)\" y=\"24\" font-size=\"16\" font-weight=\"bold\">\(SVG.escaped(graph.title))</text>"
        ]
        for arrow in graph.arrows where arrow.label.isEmpty { elements.append(handedOn(arrow)) }
        let arcs = graph.arrows.filter { !$0.label.isEmpty }.map(arc)
        // Labels come after all arcs, so that none is crossed out.
        elements += arcs.flatMap(\.lines) + arcs.map(\.label)
        for (place, name) in graph.nodes.enumerated() {
            elements.append(
                "<rect x=\"\(centre(place) - Self.boxWidth / 2)\" y=\"\(middle - Self.boxHeight / 2)\" "
                    + "width=\"\(Self.boxWidth)\" height=\"\(Self.boxHeight)\" rx=\"6\" fill=\"#e8eef7\" stroke=\"#44546a\"/>"
            )
            elements.append(text(name, centre(place), middle + 5, size: 14, color: "#1b2733"))
        }
        return elements
    }

    private func centre(_ place: Int) -> Int { Self.margin + Self.boxWidth / 2 + Self.spacing * place }

    /// Arcs that arrive share a node's left half, and those that leave its right half, ordered so that they do not cross.
    private func arc(_ arrow: CellGraph.Arrow) -> (lines: [String], label: String) {
        let labelled = graph.arrows.filter { !$0.label.isEmpty }
        let arriving = labelled.filter { $0.to == arrow.to }.map(\.from).sorted(by: >)
        let leaving = labelled.filter { $0.from == arrow.from }.map(\.to).sorted(by: >)
        func share(_ places: [Int], _ place: Int) -> Int {
            let half = Self.boxWidth / 2 - 6
            return half * ((places.firstIndex(of: place) ?? 0) + 1) / (places.count + 1)
        }
        let from = centre(arrow.from) + share(leaving, arrow.to)
        let to = centre(arrow.to) - Self.boxWidth / 2 + 6 + share(arriving, arrow.from)
        let foot = middle - Self.boxHeight / 2
        let rise = Self.rise + Self.riseStep * (arrow.to - arrow.from - 1)
        let color = color(arrow.label)
        // A cubic's highest point is three quarters of its handles' height.
        let handle = foot - rise * 4 / 3
        let lines = [
            "<path d=\"M \(from) \(foot) C \(from) \(handle), \(to) \(handle), \(to) \(foot - 6)\" fill=\"none\" "
                + "stroke=\"\(color)\" stroke-width=\"1.6\"/>",
            "<path d=\"M \(to) \(foot) l -4 -8 h 8 z\" fill=\"\(color)\"/>",
        ]
        let label = text(arrow.label, (from + to) / 2, foot - rise - 5, size: 12, color: color, halo: true)
        return (lines, label)
    }

    private func handedOn(_ arrow: CellGraph.Arrow) -> String {
        let (from, to) = (centre(arrow.from), centre(arrow.to))
        let foot = middle + Self.boxHeight / 2
        let handle = foot + (Self.below + Self.belowStep * (arrow.to - arrow.from - 1)) * 4 / 3
        return "<path d=\"M \(from) \(foot) C \(from) \(handle), \(to) \(handle), \(to) \(foot)\" fill=\"none\" "
            + "stroke=\"#9aa5b1\"/>"
    }

    private func text(
        _ content: String, _ x: Int, _ y: Int, size: Int, color: String, halo: Bool = false
    ) -> String {
        let behind = halo ? " stroke=\"white\" stroke-width=\"4\" paint-order=\"stroke\"" : ""
        return "<text x=\"\(x)\" y=\"\(y)\" font-size=\"\(size)\" text-anchor=\"middle\" fill=\"\(color)\"\(behind)>"
            + "\(SVG.escaped(content))</text>"
    }

    private func color(_ operation: String) -> String {
        if operation == "skip_connect" { return "#2e7d32" }
        if operation.contains("pool") { return "#c25700" }
        return operation.contains("conv") ? "#1558a8" : "#6a1b9a"
    }
}
