extension Genotype {
    /// In bytes; longer texts are none.
    public static let longestText = 1 << 16

    /// Reads what `description` and the public code write.
    ///
    /// A node's edges may come in any order; nodes come one after the other. Where nodes keep only some of their edges, a
    /// cell has so many edges a node, or all that there are.
    ///
    /// - Parameter spaces: the first one whose types of cells the text names is that of the genotype.
    /// - Throws: `GenotypeError` with line and column.
    public init(parsing text: String, among spaces: [SearchSpace] = SearchSpace.all) throws(GenotypeError) {
        var scanner = GenotypeScanner(text)
        let arguments = try scanner.call()
        let names = Set(arguments.map(\.name))
        guard let space = spaces.first(where: { $0.cellTypes.allSatisfy { names.contains($0.name) } }) else {
            let forms = spaces.map { space in
                "\(space.cellTypes.map { "`\($0.name)=`" }.joined(separator: " and ")) (\(space.name))"
            }
            throw scanner.error("a genotype has \(forms.joined(separator: ", or "))", at: 0)
        }
        let reader = GenotypeReader(space: space, scanner: scanner)
        let concatenations = space.cellTypes.count > 1 ? space.cellTypes.map { $0.name + "_concat" } : []
        var operations = [Int?](repeating: nil, count: space.edges.count)
        for argument in arguments {
            if let type = space.cellTypes.firstIndex(where: { $0.name == argument.name }) {
                for (row, operation) in try reader.cell(type, argument.value) { operations[row] = operation }
            } else if let type = concatenations.firstIndex(of: argument.name) {
                try reader.checkConcatenation(of: type, argument.value)
            } else {
                throw scanner.error("`\(argument.name)` is no part of a genotype of \(space.name)", at: argument.place)
            }
        }
        self.init(space: space, operations: operations)
    }
}

/// Gives the parts of a genotype their meaning in a space.
private struct GenotypeReader {
    let space: SearchSpace
    let scanner: GenotypeScanner

    /// The rows of a type's edges that its cell has, with their operations.
    func cell(_ type: Int, _ value: GenotypeLiteral) throws(GenotypeError) -> [(row: Int, operation: Int)] {
        let rows = space.rows(ofCellType: type)
        let nodes = space.cellTypes[type].nodes
        let lists: [[GenotypeLiteral]]
        if space.cellTypes.count == 1 {
            let outer = try list(value, "a list of one list a node")
            guard outer.count == nodes.count else {
                throw scanner.error("\(outer.count) nodes; a cell has \(nodes.count)", at: value.place)
            }
            var inner: [[GenotypeLiteral]] = []
            for node in outer { inner.append(try list(node, "the list of a node's edges")) }
            lists = inner
        } else {
            lists = try byNode(try list(value, "a list of edges"), rows, nodes, at: value.place)
        }
        var result: [(row: Int, operation: Int)] = []
        for (node, edges) in zip(nodes, lists) {
            for literal in edges {
                let (row, operation) = try edge(literal, into: node, rows)
                if result.contains(where: { $0.row == row }) {
                    throw scanner.error("edge \(space.edges[row].name) is there twice", at: literal.place)
                }
                result.append((row, operation))
            }
        }
        return result
    }

    /// Cuts a list of edges into those of each node: as many as it keeps, or all that there are.
    private func byNode(
        _ items: [GenotypeLiteral], _ rows: [(row: Int, edge: SearchSpace.Edge)], _ nodes: [Int], at place: Int
    ) throws(GenotypeError) -> [[GenotypeLiteral]] {
        let all = nodes.map { node in rows.count { $0.edge.node == node } }
        let kept = all.map { min($0, space.keptInputs ?? $0) }
        guard let counts = [kept, all].first(where: { $0.reduce(0, +) == items.count }) else {
            let keptCount = kept.reduce(0, +)
            let allowed = keptCount == rows.count ? "\(rows.count)" : "\(keptCount), or all \(rows.count)"
            throw scanner.error("\(items.count) edges; a cell of \(space.name) has \(allowed)", at: place)
        }
        var rest = items[...]
        return counts.map { count in
            defer { rest = rest.dropFirst(count) }
            return Array(rest.prefix(count))
        }
    }

    /// `('operation', source)`.
    private func edge(
        _ literal: GenotypeLiteral, into node: Int, _ rows: [(row: Int, edge: SearchSpace.Edge)]
    ) throws(GenotypeError) -> (row: Int, operation: Int) {
        guard case .list(let pair) = literal.kind, pair.count == 2, case .text(let name) = pair[0].kind,
            case .number(let source) = pair[1].kind
        else { throw scanner.error("expected an edge such as ('skip_connect', 0)", at: literal.place) }
        guard let row = rows.first(where: { $0.edge.node == node && $0.edge.source == source })?.row else {
            let sources = rows.filter { $0.edge.node == node }.map { "\($0.edge.source)" }.joined(separator: ", ")
            throw scanner.error(
                "node \(node) has no edge from node \(source); it has from \(sources)", at: pair[1].place)
        }
        let allowed = space.candidates[row]
        guard let operation = allowed.first(where: { space.operations[$0] == name }) else {
            let names = allowed.map { space.operations[$0] }.joined(separator: ", ")
            throw scanner.error(
                "no operation '\(name.prefix(40))' on edge \(space.edges[row].name) of \(space.name); there is: \(names)",
                at: pair[0].place)
        }
        return (row, operation)
    }

    /// A cell hands on all of its nodes.
    func checkConcatenation(of type: Int, _ value: GenotypeLiteral) throws(GenotypeError) {
        let nodes = space.cellTypes[type].nodes
        let numbers = try list(value, "a list of nodes").map { item in
            if case .number(let number) = item.kind { number } else { -1 }
        }
        guard numbers.sorted() == nodes else {
            throw scanner.error("a cell of \(space.name) hands on the nodes \(nodes)", at: value.place)
        }
    }

    private func list(_ value: GenotypeLiteral, _ expected: String) throws(GenotypeError) -> [GenotypeLiteral] {
        guard case .list(let items) = value.kind else { throw scanner.error("expected \(expected)", at: value.place) }
        return items
    }
}
