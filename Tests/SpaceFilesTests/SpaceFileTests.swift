import Foundation
import SpaceFiles
import Supernet
import TestSupport
import Testing

@Suite struct SpaceFileTests {
    private static let examples = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../spaces").standardizedFileURL.path

    @Test("the examples are the published spaces", arguments: [("s1-like", SearchSpace.s1), ("s2-like", .s2)])
    func examples(_ name: String, _ published: SearchSpace) throws {
        let space = try SpaceFile.read("\(Self.examples)/\(name).yaml").space()
        #expect(space.name == name)
        #expect(space.operations == published.operations)
        #expect(space.edges == published.edges)
        #expect(space.operationsOfEdge == published.operationsOfEdge)
        #expect(space.candidates == published.candidates)
        #expect(space.keptInputs == published.keptInputs && space.defaultCells == published.defaultCells)
        #expect(space.skeleton == published.skeleton)
    }

    @Test("every key counts, and edges may come in any order")
    func keys() throws {
        let definition = try SpaceFile.parse(
            """
            {name: tiny, cells: 5, stem_multiplier: 2, reductions: [1, 3, 4], keep: all, exclude: [],
             normal: {"2<-1": [none], "2<-0": [noise, skip_connect]}, reduce: {all: [dil_conv_5x5]}}
            """, file: "tiny")
        let space = try definition.space()
        #expect(
            space.defaultCells == 5 && space.keptInputs == nil
                && space.skeleton == .darts(stemMultiplier: 2, reductions: [1, 3, 4]))
        #expect(space.reductions(cells: 5) == [1, 3, 4] && SearchSpace.darts.reductions(cells: 8) == [2, 5])
        #expect(space.operations == ["none", "noise", "skip_connect", "dil_conv_5x5"])
        #expect(space.edges.count == 16 && space.edges[0].name == "normal.2<-0")
        #expect(Array(space.candidates[..<3]) == [[1, 2], [0], [3]])
        #expect(space.competingEdges.isEmpty)
    }

    private static let sound = """
        name: own
        keep: 2
        normal:
          2<-0: [skip_connect, sep_conv_3x3]
          2<-1: [skip_connect, noise]
        reduce:
          all: [skip_connect, max_pool_3x3]
        """

    @Test(
        "what is wrong is told with its line and what is allowed",
        arguments: [
            ("name: own", "name: Own", 1, "small letters"),
            ("name: own", "name: darts", 1, "built in"),
            ("name: own", "title: own", 1, "unknown key 'title'"),
            ("name: own\n", "", 1, "'name' is missing"),
            ("keep: 2", "keep: two", 2, "whole number or `all`, found 'two'"),
            ("keep: 2", "keep: 9", 2, "cannot keep 9"),
            ("keep: 2", "cells: 2", 2, "3 to 1000"),
            ("keep: 2", "reductions: 2", 2, "a list of whole numbers"),
            ("keep: 2", "reductions: [two]", 2, "found 'two'"),
            ("keep: 2", "reductions: []", 2, "1 to 5 cells"),
            ("keep: 2", "reductions: [5, 2]", 2, "rising"),
            ("keep: 2", "reductions: [2, 8]", 2, "no cell 8"),
            ("keep: 2", "exclude: [x]", 2, "unknown operation 'x'"),
            ("keep: 2", "keep: 2\nkeep: 3", 2, "'keep' is there twice"),
            ("keep: 2", "keep: [2", 3, "not YAML"),
            ("keep: 2", "\tkeep: 2", 2, "not YAML"),
            ("normal:", "normal: 7\nother:", 4, "unknown key"),
            ("  2<-0: [skip_connect, sep_conv_3x3]\n", "", 4, "both inputs"),
            ("2<-0: [skip_connect, sep_conv_3x3]", "2<-0: [skip_connect, sep_conv_7x7]", 4, "sep_conv_7x7"),
            ("2<-0: [skip_connect, sep_conv_3x3]", "2-0: [skip_connect]", 4, "such as `2<-0`"),
            ("2<-0: [skip_connect, sep_conv_3x3]", "2<-0: skip_connect", 4, "a list of operations"),
            ("2<-0: [skip_connect, sep_conv_3x3]", "2<-0: [[a]]", 4, "an operation's name"),
            ("2<-1: [skip_connect, noise]", "2<-1: [none]", 5, "may be chosen"),
            ("2<-1: [skip_connect, noise]", "2<-3: [noise]", 5, "no edge 2<-3"),
            ("  all: [skip_connect, max_pool_3x3]", "  - max_pool_3x3", 7, "the edges of a cell"),
            ("max_pool_3x3]", "max_pool_3x3]\n  2<-0: [noise]", 7, "stands alone"),
            ("keep: 2", "keep: " + String(repeating: "[", count: 5000), 2, "too deeply"),
            ("keep: 2", "keep:\n" + String(repeating: "- ", count: 5000), 3, "too deeply"),
            ("keep: 2", "keep:\n" + String(repeating: " ", count: 500) + "2", 3, "too deeply"),
        ])
    func faults(_ old: String, _ new: String, _ line: Int, _ fragment: String) throws {
        _ = try SpaceFile.parse(Self.sound, file: "own.yaml")
        let text = Self.sound.replacing(old, with: new)
        try #require(text != Self.sound)
        let error = #expect(throws: SpaceFileError.self) { try SpaceFile.parse(text, file: "own.yaml") }
        let description = error?.description ?? ""
        #expect(description.hasPrefix("own.yaml: line \(line): "), "\(description)")
        #expect(description.contains(fragment), "\(description)")
        #expect(!description.contains("\n"))
    }

    @Test("an empty file, one that is no text, one that is too large and none at all are refused")
    func otherFiles() throws {
        let folder = try TemporaryFolder()
        for (name, bytes, fragment) in [
            ("empty", [UInt8](), "empty"), ("binary", [0xFF, 0xFE, 0xFF], "UTF-8"),
            ("large", Array(repeating: UInt8(ascii: "#"), count: 70_000), "larger"),
        ] {
            let path = try folder.write(bytes, to: name)
            let error = #expect(throws: SpaceFileError.self) { try SpaceFile.read(path) }
            #expect(error?.description.contains(fragment) == true, "\(String(describing: error))")
        }
        let error = #expect(throws: SpaceFileError.self) { try SpaceFile.read(folder("nothing.yaml")) }
        #expect(error?.description.contains("cannot be read") == true)
    }
}
