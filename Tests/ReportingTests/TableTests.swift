import Search
import Supernet
import Testing

@testable import Reporting

@Suite struct TableTests {
    @Test("a table's lines are equally long and hold no escape codes", arguments: [TextTable.Frame.lines, .ascii])
    func frame(_ frame: TextTable.Frame) {
        var table = TextTable(header: ["", "by strength", "by magnitude"])
        table.append(["edge 1<-0", "nor_conv_3x3", "none"])
        table.appendRule()
        table.append(["short"])
        let lines = table.lines(frame)
        #expect(Set(lines.map(\.count)).count == 1)
        #expect(lines.allSatisfy { !$0.contains("\u{1B}") })
        #expect(lines.count == 7)
    }

    @Test("an ASCII table is what one expects")
    func ascii() {
        var table = TextTable(header: ["a", "b"])
        table.append(["x", "10"])
        #expect(
            table.lines(.ascii) == [
                "+---+----+", "| a |  b |", "+---+----+", "| x | 10 |", "+---+----+",
            ])
    }

    @Test(
        "thousands are grouped",
        arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (15625, "15,625"), (-1234567, "-1,234,567")])
    func grouped(_ number: Int, _ text: String) {
        #expect(Answer.grouped(number) == text)
    }

    @Test("a genotype lists each node's operations with their sources")
    func genotype() {
        #expect(
            SearchSpace.nasbench201.genotype([3, 0, 2, 1, 4, 3], kept: Array(repeating: true, count: 6))
                == "Genotype(cell=[[('nor_conv_3x3', 0)], [('none', 0), ('nor_conv_1x1', 1)], "
                + "[('skip_connect', 0), ('avg_pool_3x3', 1), ('nor_conv_3x3', 2)]])")
    }

    @Test("a DARTS genotype lists the edges kept, as quark0's code writes them")
    func dartsGenotype() {
        let space = SearchSpace.darts
        let choices = space.edges.indices.map { 1 + $0 % 7 }
        var kept = space.edges.map { $0.source < 2 }
        // Node 5 of the reduction cell keeps its last two edges.
        (kept[23], kept[24], kept[26], kept[27]) = (false, false, true, true)
        let expected = """
            Genotype(normal=[('max_pool_3x3', 0), ('avg_pool_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1), \
            ('dil_conv_3x3', 0), ('dil_conv_5x5', 1), ('skip_connect', 0), ('sep_conv_3x3', 1)], \
            normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), ('avg_pool_3x3', 1), ('skip_connect', 0), \
            ('sep_conv_3x3', 1), ('dil_conv_3x3', 0), ('dil_conv_5x5', 1), ('dil_conv_3x3', 3), ('dil_conv_5x5', 4)], \
            reduce_concat=[2, 3, 4, 5])
            """
        #expect(space.genotype(choices, kept: kept) == expected)
    }

    @Test("a short run says that it proves nothing, one of the published size does not")
    func kindOfRun() {
        func shape(_ channels: Int, _ cells: Int) -> SupernetShape {
            SupernetShape(
                space: "nasbench201", channels: channels, cells: cells, classes: 10, inputChannels: 3, imageSize: 32)
        }
        #expect(Answer.kind(epochs: 5, shape(8, 1), .nasbench201).contains("chance"))
        #expect(Answer.kind(epochs: 1, shape(16, 5), .nasbench201).contains("chance"))
        #expect(!Answer.kind(epochs: 50, shape(16, 5), .nasbench201).contains("chance"))
        #expect(Answer.kind(epochs: nil, shape(8, 1), .nasbench201).contains("trained elsewhere"))
    }
}
