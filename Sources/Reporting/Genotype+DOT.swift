import Supernet

extension Genotype {
    /// The cells as a graph for Graphviz: one cluster for each type of cell.
    public var dot: String {
        var lines = [
            "digraph genotype {", "    rankdir=LR;",
            "    node [shape=box, style=filled, fillcolor=\"#e8eef7\", fontname=\"Helvetica\"];",
            "    edge [fontname=\"Helvetica\", fontsize=11];",
        ]
        for (number, graph) in CellGraph.all(of: self).enumerated() {
            func node(_ place: Int) -> String { "cell\(number)_\(place)" }
            lines.append("    subgraph cluster_\(number) {")
            lines.append("        label=\(quoted(graph.title));")
            for (place, name) in graph.nodes.enumerated() {
                lines.append("        \(node(place)) [label=\(quoted(name))];")
            }
            for arrow in graph.arrows {
                let label = arrow.label.isEmpty ? "color=gray" : "label=\(quoted(arrow.label))"
                lines.append("        \(node(arrow.from)) -> \(node(arrow.to)) [\(label)];")
            }
            lines.append("    }")
        }
        return lines.joined(separator: "\n") + "\n}\n"
    }

    private func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
