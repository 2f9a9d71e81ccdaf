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
