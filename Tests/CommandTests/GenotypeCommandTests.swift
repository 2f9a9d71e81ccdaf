import Foundation
import TestSupport
import Testing

@Suite struct GenotypeCommandTests {
    private let darts = """
        Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1), \
        ('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2)], normal_concat=[2, 3, 4, 5], \
        reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), \
        ('max_pool_3x3', 0), ('skip_connect', 2), ('avg_pool_3x3', 0), ('skip_connect', 2)], reduce_concat=[2, 3, 4, 5])
        """

    @Test("a cell goes from NAS-Bench-201's string to a genotype and back, from argument and file")
    func forms() async throws {
        let folder = try TemporaryFolder()
        let string = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_3x3~2|"
        var result = try await Command.run(["genotype", string], in: folder)
        #expect(result.status == 0, "\(result.error)")
        #expect(result.output.hasPrefix("Genotype(cell=[[('nor_conv_3x3', 0)],"))
        let file = try folder.write(Array(result.output.utf8), to: "cell.txt")
        result = try await Command.run(["genotype", file, "--form", "nasbench201"], in: folder)
        #expect(result.output == string + "\n")
        // As in a run folder: the string, then the genotype.
        let both = try folder.write(Array((string + "\n" + result.output).utf8), to: "genotype.txt")
        result = try await Command.run(["genotype", both, "--form", "nasbench201"], in: folder)
        #expect(result.output == string + "\n")
        result = try await Command.run(["genotype", darts, "--form", "nasbench201"], in: folder)
        result.expectFailure(64, ["darts"])
        result = try await Command.run(["genotype", darts.replacing("skip", with: "hop")], in: folder)
        result.expectFailure(65, ["line 1, column 61", "hop_connect", "skip_connect"])
        try await compareWithPython(folder)
    }

    /// quark0's code evaluates a genotype as a named tuple.
    private func compareWithPython(_ folder: TemporaryFolder) async throws {
        guard let python = ["/usr/bin/python3", "/usr/local/bin/python3"].first(where: isExecutable) else { return }
        let ours = try await Command.run(["genotype", darts], in: folder)
        let script = """
            from collections import namedtuple
            import sys
            Genotype = namedtuple('Genotype', 'normal normal_concat reduce reduce_concat')
            genotype = eval(sys.argv[1])
            assert len(genotype.normal) == len(genotype.reduce) == 8
            assert list(genotype.normal_concat) == [2, 3, 4, 5]
            print(genotype)
            """
        let result = try await Command.run(
            ["-c", script, ours.output], in: folder, program: URL(fileURLWithPath: python))
        #expect(result.output == darts + "\n", "\(result.error)")
    }

    private static let graphviz = "/usr/bin/dot"

    @Test("Graphviz draws the graph, and the picture is one", .enabled(if: isExecutable(graphviz)))
    func pictures() async throws {
        let folder = try TemporaryFolder()
        let graph = try await Command.run(["genotype", darts, "--form", "dot"], in: folder)
        let file = try folder.write(Array(graph.output.utf8), to: "cell.dot")
        let drawn = try await Command.run(["-Tplain", file], in: folder, program: URL(fileURLWithPath: Self.graphviz))
        #expect(drawn.status == 0 && drawn.error == "", "\(drawn.error)")
        let lines = drawn.output.split(separator: "\n")
        #expect(lines.count { $0.hasPrefix("node ") } == 14)
        #expect(lines.count { $0.hasPrefix("edge ") } == 24)
        #expect(lines.count { $0.contains("skip_connect") } == 6)
        let picture = try await Command.run(["genotype", darts, "--form", "svg"], in: folder)
        #expect(picture.output.hasPrefix("<svg ") && picture.output.hasSuffix("</svg>\n"))
    }
}

private func isExecutable(_ path: String) -> Bool { FileManager.default.isExecutableFile(atPath: path) }
