import Foundation
import TestSupport
import Testing

@Suite struct StudyCommandTests {
    @Test("Proposition 1 is printed, and written as a table and a plot, into a folder of its own")
    func proposition1() async throws {
        let folder = try TemporaryFolder()
        let arguments = ["study", "proposition1", "--seed", "2", "--output", folder("study")]
        var result = try await Command.run(arguments, in: folder)
        try #require(result.status == 0, "\(result.error)")
        #expect(result.output.contains("closed form"))
        let csv = try String(contentsOfFile: folder("study/proposition1.csv"), encoding: .utf8)
        let rows = csv.split(separator: "\n").dropFirst().map { $0.split(separator: ",").compactMap { Double($0) } }
        #expect(rows.count == 13 && rows.allSatisfy { $0.count == 6 && abs($0[4] - $0[5]) < 1e-6 })
        let svg = try Data(contentsOf: URL(fileURLWithPath: folder("study/proposition1.svg")))
        let picture = try XMLCheck(svg)
        #expect(picture.count("circle") == 13 + 1 && picture.count("text") > 10)
        result = try await Command.run(arguments, in: folder)
        result.expectFailure(73, ["study exists already"])
    }
}

/// Counts elements of a text that looks like XML: every opened element is closed.
private struct XMLCheck {
    private let elements: [String]

    init(_ data: Data) throws {
        var open: [String] = []
        var elements: [String] = []
        for part in String(decoding: data, as: UTF8.self).split(separator: "<") {
            let name = String(part.prefix { !" >/".contains($0) })
            if part.hasPrefix("/") {
                try #require(open.popLast() == String(part.dropFirst().prefix { $0 != ">" }))
            } else {
                elements.append(name)
                let tag = part.prefix { $0 != ">" }
                if !tag.hasSuffix("/") { open.append(name) }
            }
        }
        try #require(open.isEmpty)
        self.elements = elements
    }

    func count(_ name: String) -> Int { elements.count { $0 == name } }
}
