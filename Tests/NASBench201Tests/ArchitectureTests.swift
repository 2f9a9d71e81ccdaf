import NASBench201
import Supernet
import Testing

@Suite("Architectures of NAS-Bench-201")
struct ArchitectureTests {
    private static let text =
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_3x3~0|none~1|skip_connect~2|"

    @Test("a text is read into operations in the space's order, and printed again")
    func roundTrip() throws {
        let architecture = try Architecture(parsing: Self.text)
        #expect(architecture.operations == [4, 2, 1, 3, 0, 1])
        #expect(architecture.description == Self.text)
        #expect(
            architecture.operations.map { SearchSpace.nasbench201.operations[$0] }
                == ["avg_pool_3x3", "nor_conv_1x1", "skip_connect", "nor_conv_3x3", "none", "skip_connect"])
    }

    @Test(
        "operations that are not six, or not there, make no architecture",
        arguments: [[], [0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, -1], [0, 0, 0, 0, 0, 0, 0]])
    func impossible(operations: [Int]) {
        #expect(Architecture(operations: operations) == nil)
    }

    static let faults: [(text: String, position: Int, expected: String, found: String)] = [
        ("", 0, "'|'", "the end"),
        ("none", 0, "'|'", "'n'"),
        ("|", 1, "one of none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3", "the end"),
        ("|~0|", 1, "one of none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3", "'~'"),
        ("|conv~0|", 1, "one of none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3", "'conv'"),
        ("|none0|", 1, "one of none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3", "'none0'"),
        ("|none~1|", 6, "'0'", "'1'"),
        ("|none~0", 7, "'|'", "the end"),
        ("|none~0||", 8, "'+'", "'|'"),
        ("|none~0|+|none~0|+", 17, "one of none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3", "'+'"),
        (text + " ", text.count, "the end", "' '"),
        (String(text.dropLast()), text.count - 1, "'|'", "the end"),
        ("é" + text, 0, "'|'", "'é'"),
    ]

    @Test("a fault in a text is an error with its place and what is allowed there", arguments: faults.indices)
    func fault(index: Int) throws {
        let fault = Self.faults[index]
        let error = #expect(throws: ArchitectureError.self) { try Architecture(parsing: fault.text) }
        let thrown = try #require(error)
        #expect(thrown.position == fault.position)
        #expect(thrown.expected == fault.expected)
        #expect(thrown.found == fault.found)
        #expect(thrown.description.contains("at character \(fault.position + 1) expected"))
    }
}
