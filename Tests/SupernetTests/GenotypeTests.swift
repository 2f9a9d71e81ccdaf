import Supernet
import Testing

@Suite("Genotypes")
struct GenotypeTests {
    @Test("a genotype lists each node's operations with their sources")
    func cell() throws {
        let genotype = Genotype(
            space: .nasbench201, operations: [3, 0, 2, 1, 4, 3], kept: Array(repeating: true, count: 6))
        #expect(
            genotype.description == "Genotype(cell=[[('nor_conv_3x3', 0)], [('none', 0), ('nor_conv_1x1', 1)], "
                + "[('skip_connect', 0), ('avg_pool_3x3', 1), ('nor_conv_3x3', 2)]])")
        #expect(try Genotype(parsing: genotype.description) == genotype)
    }

    private static func darts(keepsAll: Bool) -> Genotype {
        let space = SearchSpace.darts
        var kept = space.edges.map { $0.source < 2 || keepsAll }
        // Node 5 of the reduction cell keeps its last two edges.
        if !keepsAll { (kept[23], kept[24], kept[26], kept[27]) = (false, false, true, true) }
        return Genotype(space: space, operations: space.edges.indices.map { 1 + $0 % 7 }, kept: kept)
    }

    @Test("a DARTS genotype lists the edges kept, as quark0's code writes them")
    func darts() {
        let expected = """
            Genotype(normal=[('max_pool_3x3', 0), ('avg_pool_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1), \
            ('dil_conv_3x3', 0), ('dil_conv_5x5', 1), ('skip_connect', 0), ('sep_conv_3x3', 1)], \
            normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), ('avg_pool_3x3', 1), ('skip_connect', 0), \
            ('sep_conv_3x3', 1), ('dil_conv_3x3', 0), ('dil_conv_5x5', 1), ('dil_conv_3x3', 3), ('dil_conv_5x5', 4)], \
            reduce_concat=[2, 3, 4, 5])
            """
        #expect(Self.darts(keepsAll: false).description == expected)
    }

    @Test("what is written is read, with two edges a node or with all", arguments: [false, true])
    func roundTrip(keepsAll: Bool) throws {
        let genotype = Self.darts(keepsAll: keepsAll)
        #expect(try Genotype(parsing: genotype.description) == genotype)
    }

    @Test("quark0's own DARTS genotype is read, however it is laid out")
    func published() throws {
        // The cells of the second-order search in Liu, Simonyan, Yang (2019), as their genotypes.py has them.
        let text = """
            # learnt on CIFAR-10
            DARTS = Genotype(
              normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ("skip_connect", 0), ('sep_conv_3x3', 1),
                      ('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2),],
              normal_concat = [2, 3, 4, 5],
              reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0),
                      ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0)],
              reduce_concat=range(2, 6),
            )
            """
        let genotype = try Genotype(parsing: text)
        #expect(genotype.space == .darts)
        let normal = genotype.edges(ofCellType: genotype.space.cellTypes[0]).map { "\($0.edge.name) \($0.operation)" }
        #expect(
            normal == [
                "normal.2<-0 sep_conv_3x3", "normal.2<-1 sep_conv_3x3", "normal.3<-0 skip_connect",
                "normal.3<-1 sep_conv_3x3", "normal.4<-0 skip_connect", "normal.4<-1 sep_conv_3x3",
                "normal.5<-0 sep_conv_3x3", "normal.5<-2 skip_connect",
            ])
        #expect(genotype.edges(ofCellType: genotype.space.cellTypes[1]).last?.operation == "skip_connect")
    }

    @Test(
        "what is no genotype is refused with line, column and what is allowed",
        arguments: [
            ("", "1, column 1", "`Genotype(`"),
            ("import os", "1, column 1", "`Genotype(`"),
            ("Genotype(cell=[[('nor_conv_3x3', 0)]", "1, column 37", "found the end"),
            ("Genotype(cell=[])", "1, column 15", "0 nodes; a cell has 3"),
            ("Genotype(cell=[], cell=[])", "1, column 19", "twice"),
            ("Genotype(cell=[[], [], []], steps=4)", "1, column 29", "`steps`"),
            ("Genotype(cell=[[('nor_conv_3x3', 1)], [], []])", "1, column 34", "has from 0"),
            ("Genotype(cell=[[('conv', 0)], [], []])", "1, column 18", "skip_connect"),
            ("Genotype(cell=[[('none', 0), ('none', 0)], [], []])", "1, column 30", "twice"),
            ("Genotype(cell=[[('none', 0, 1)], [], []])", "1, column 17", "('skip_connect', 0)"),
            ("Genotype(cell=[[('none', 0)],\n  [('none', 0), 7], []])", "2, column 17", "('skip_connect', 0)"),
            ("Genotype(cell=[[('no\\ne', 0)], [], []])", "1, column 18", "backslash"),
            ("Genotype(cell=open('x'))", "1, column 15", "`range(…)`"),
            ("Genotype(cell=[[[[[['none']]]]]])", "1, column 19", "deeper"),
            ("Genotype(cell=range(99999))", "1, column 15", "at most 1000"),
            ("Genotype(cell=[[], [], []]) + 1", "1, column 29", "the end"),
            ("Genotype(normal=[('sep_conv_3x3', 0)], reduce=[])", "1, column 17", "8, or all 14"),
            ("Genotype(normal=[], reduce=[], cell=[])", "1, column 10", "`normal`"),
            ("Genotype(cell=7)", "1, column 15", "a list of one list a node"),
        ])
    func refusals(_ text: String, _ place: String, _ fragment: String) {
        let error = #expect(throws: GenotypeError.self) { try Genotype(parsing: text) }
        let description = error?.description ?? ""
        #expect(description.contains("line \(place)") && description.contains(fragment), "\(description)")
        #expect(!description.contains("\n"))
    }

    @Test("a DARTS cell hands on all of its nodes, and chooses no `none`")
    func dartsRefusals() {
        let text = Self.darts(keepsAll: false).description
        for (old, new, fragment) in [
            ("normal_concat=[2, 3, 4, 5]", "normal_concat=[2, 3]", "[2, 3, 4, 5]"),
            ("'max_pool_3x3'", "'none'", "none"),
            ("'max_pool_3x3'", "'sep_conv_7x7'", "sep_conv_5x5"),
            ("('avg_pool_3x3', 1)", "('avg_pool_3x3', 2)", "from 0, 1"),
        ] {
            let changed = text.replacing(old, with: new)
            let error = #expect(throws: GenotypeError.self) { try Genotype(parsing: changed) }
            #expect(error?.description.contains(fragment) == true, "\(String(describing: error))")
        }
    }
}
