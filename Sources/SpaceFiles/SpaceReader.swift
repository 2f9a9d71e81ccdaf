import Supernet
import Yams

/// Takes the tree of a space's file apart, and remembers on which lines things stand.
struct SpaceReader {
    let file: String
    /// Lines of what a definition's fault may be about.
    private(set) var lines: [SpaceDefinition.Place: Int] = [:]

    private static let keys = ["name", "cells", "stem_multiplier", "reductions", "keep", "exclude", "normal", "reduce"]

    init(file: String) {
        self.file = file
    }

    mutating func definition(_ root: Node) throws(SpaceFileError) -> SpaceDefinition {
        let mapping = try mapping(root, "a search space")
        for (key, _) in mapping where !Self.keys.contains(text(key) ?? "") {
            throw fault(key, "unknown key '\(shown(key))'; there is: \(Self.keys.joined(separator: ", "))")
        }
        func node(_ key: String) -> Node? { mapping.first { text($0.key) == key }?.value }
        func required(_ key: String) throws(SpaceFileError) -> Node {
            guard let found = node(key) else { throw fault(root, "the key '\(key)' is missing") }
            return found
        }
        let nameNode = try required("name")
        guard let name = text(nameNode) else { throw fault(nameNode, "expected a name") }
        lines[.name] = line(nameNode)
        var definition = SpaceDefinition(name: name, normal: [], reduce: [])
        if let node = node("cells") { definition.cells = try number(node, .cells) }
        if let node = node("stem_multiplier") { definition.stemMultiplier = try number(node, .stemMultiplier) }
        if let node = node("reductions") { definition.reductions = try numbers(node, .reductions) }
        if let node = node("keep") {
            definition.keptInputs = try text(node) == "all" ? nil : number(node, .keptInputs, or: " or `all`")
        }
        if let node = node("exclude") {
            definition.excluded = try operations(node)
            lines[.excluded] = line(node)
        }
        definition.normal = try edges(try required("normal"), "normal")
        definition.reduce = try edges(try required("reduce"), "reduce")
        return definition
    }

    /// `2<-0: [operations]` for each edge, or `all: [operations]` for those of a DARTS cell.
    private mutating func edges(_ node: Node, _ type: String) throws(SpaceFileError) -> [SpaceDefinition.Edge] {
        let mapping = try mapping(node, "the edges of a cell, such as `2<-0: [skip_connect, sep_conv_3x3]`")
        lines[.cellType(type)] = line(node)
        var edges: [SpaceDefinition.Edge] = []
        for (key, value) in mapping {
            let names = try operations(value)
            if text(key) == "all" {
                guard mapping.count == 1 else { throw fault(key, "`all` stands for every edge, so it stands alone") }
                for pair in SearchSpace.darts.cellTypes[0].edges {
                    lines[.edge(type, edges.count)] = line(value)
                    edges.append(.init(node: pair.node, source: pair.source, operations: names))
                }
                continue
            }
            let parts = (text(key) ?? "").split(separator: "<-", omittingEmptySubsequences: false).map { Int($0) }
            guard parts.count == 2, let node = parts[0], let source = parts[1] else {
                throw fault(key, "expected an edge such as `2<-0`, or `all`, found '\(shown(key))'")
            }
            lines[.edge(type, edges.count)] = line(key)
            edges.append(.init(node: node, source: source, operations: names))
        }
        return edges
    }

    private func operations(_ node: Node) throws(SpaceFileError) -> [String] {
        guard case .sequence(let sequence) = node else {
            throw fault(node, "expected a list of operations such as [skip_connect, sep_conv_3x3]")
        }
        var names: [String] = []
        for item in sequence {
            guard let name = text(item) else { throw fault(item, "expected an operation's name") }
            names.append(name)
        }
        return names
    }

    private mutating func number(
        _ node: Node, _ place: SpaceDefinition.Place, or other: String = ""
    ) throws(SpaceFileError) -> Int {
        lines[place] = line(node)
        guard let found = text(node), let number = Int(found) else {
            throw fault(node, "expected a whole number\(other), found '\(shown(node))'")
        }
        return number
    }

    private mutating func numbers(_ node: Node, _ place: SpaceDefinition.Place) throws(SpaceFileError) -> [Int] {
        lines[place] = line(node)
        guard case .sequence(let sequence) = node else {
            throw fault(node, "expected a list of whole numbers such as [2, 5]")
        }
        var numbers: [Int] = []
        for item in sequence {
            guard let found = text(item), let number = Int(found) else {
                throw fault(item, "expected a whole number, found '\(shown(item))'")
            }
            numbers.append(number)
        }
        return numbers
    }

    private func mapping(_ node: Node, _ expected: String) throws(SpaceFileError) -> Node.Mapping {
        guard case .mapping(let mapping) = node else { throw fault(node, "expected \(expected)") }
        return mapping
    }

    /// A scalar as it is written: `2` and `no` too are texts here.
    private func text(_ node: Node) -> String? {
        if case .scalar(let scalar) = node { scalar.string } else { nil }
    }

    private func shown(_ node: Node) -> String { String((text(node) ?? "a list").prefix(40)) }

    private func line(_ node: Node) -> Int? { node.mark?.line }

    private func fault(_ node: Node, _ problem: String) -> SpaceFileError {
        .malformed(file: file, line: line(node), problem: problem)
    }
}
