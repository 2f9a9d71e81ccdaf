import Foundation
import Supernet
import Testing

@testable import Reporting

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite struct GenotypePictureTests {
    private static let genotypes: [Genotype] = {
        let darts = SearchSpace.darts
        let operations = darts.edges.indices.map { 1 + $0 % 7 }
        return [
            Genotype(space: .nasbench201, operations: [3, 0, 2, 1, 4, 3], kept: Array(repeating: true, count: 6)),
            Genotype(space: darts, operations: operations, kept: darts.edges.map { $0.source < 2 }),
            Genotype(space: darts, operations: operations, kept: darts.edges.map { _ in true }),
        ]
    }()

    /// Edges that do something.
    private func edges(_ genotype: Genotype) -> [String] {
        genotype.space.cellTypes.flatMap { genotype.edges(ofCellType: $0).map(\.operation) }.filter { $0 != "none" }
    }

    @Test("a graph has every edge with its operation, and what each node hands on", arguments: genotypes)
    func dot(_ genotype: Genotype) {
        let lines = genotype.dot.split(separator: "\n")
        let arrows = lines.filter { $0.contains(" -> ") }
        let operations = edges(genotype)
        let handedOn = genotype.space == .darts ? 8 : 0
        #expect(arrows.count == operations.count + handedOn)
        for operation in Set(operations) {
            #expect(arrows.count { $0.contains("[label=\"\(operation)\"]") } == operations.count { $0 == operation })
        }
        #expect(lines.count { $0.contains("subgraph cluster_") } == genotype.space.cellTypes.count)
        #expect(genotype.dot.contains("c_{k-2}") == (handedOn > 0))
    }

    /// Places of texts in a drawing.
    private final class Texts: NSObject, XMLParserDelegate {
        struct Label {
            var text = ""
            var x = 0.0
            var y = 0.0
            var size = 0.0
        }

        var labels: [Label] = []
        var paths = 0
        private var top = 0.0
        private var isInside = false

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
            attributes: [String: String]
        ) {
            if name == "path" { paths += 1 }
            if name == "g" {
                top = Double(attributes["transform"]?.split(separator: " ").last?.dropLast() ?? "") ?? .nan
            }
            guard name == "text" else { return }
            isInside = true
            func number(_ key: String) -> Double { attributes[key].flatMap { Double($0) } ?? .nan }
            labels.append(Label(x: number("x"), y: number("y") + top, size: number("font-size")))
        }

        func parser(_ parser: XMLParser, foundCharacters text: String) {
            if isInside { labels[labels.count - 1].text += text }
        }

        func parser(
            _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
        ) {
            if name == "text" { isInside = false }
        }
    }

    @Test("a picture is sound XML with every operation, and no label covers another", arguments: genotypes)
    func svg(_ genotype: Genotype) throws {
        let texts = Texts()
        let parser = XMLParser(data: Data(genotype.svg.utf8))
        parser.delegate = texts
        #expect(parser.parse(), "\(String(describing: parser.parserError))")
        let operations = edges(genotype)
        #expect(texts.labels.map(\.text).filter { operations.contains($0) }.sorted() == operations.sorted())
        // An arc and its head for each operation, and an arc for what is handed on.
        #expect(texts.paths == 2 * operations.count + (genotype.space == .darts ? 8 : 0))
        let labels = texts.labels.filter { operations.contains($0.text) }
        for (number, one) in labels.enumerated() {
            for other in labels[(number + 1)...] {
                let width = (Double(one.text.count + other.text.count) / 2) * 0.6 * one.size
                #expect(
                    abs(one.x - other.x) >= width || abs(one.y - other.y) >= one.size,
                    "\(one) and \(other)")
            }
        }
    }
}
