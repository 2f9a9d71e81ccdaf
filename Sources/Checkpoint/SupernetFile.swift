import Supernet

/// A supernet's weights and alphas in a safetensors file, under the names of the public PyTorch code.
public enum SupernetFile {
    /// What a file gave.
    public struct Content: Sendable, Equatable {
        /// In the order of the weights' directory.
        public var weights: [Float]
        /// In the order of the alphas' directory.
        public var alphas: [Float]
        /// Names in the file that are not needed (buffers, biases that batch normalisation cancels, and tensors that
        /// belong to no part of a supernet), in name order.
        public var ignored: [String]
        /// The file's texts.
        public var metadata: [String: String]
    }

    /// Other public names of the alphas: AutoDL-Projects', and quark0/darts'.
    private static let alphaAliases = [
        "alphas.arch": ["arch_parameters", "_arch_parameters"],
        "alphas.normal": ["alphas_normal"],
        "alphas.reduce": ["alphas_reduce"],
    ]

    /// Reads weights and alphas from a file, ours or one saved from PyTorch's code. A prefix `module.` (from PyTorch's
    /// data-parallel wrappers) is removed; types other than F32 are converted.
    ///
    /// - Parameters:
    ///   - weights: names and shapes of the weights.
    ///   - alphas: names and shapes of the alphas; NAS-Bench-201 has `alphas.arch` (6, 5), which may also be called
    ///     `arch_parameters`.
    /// - Throws: `CheckpointError.mismatch` when a tensor is missing, has another shape, or is a weight that a supernet
    ///   of this shape does not have; what `SafetensorsFile` throws.
    public static func read(
        _ path: String, weights: ParameterDirectory, alphas: ParameterDirectory
    ) throws(CheckpointError) -> Content {
        try read(SafetensorsFile(reading: path), weights: weights, alphas: alphas)
    }

    /// As above, from a file in memory.
    ///
    /// - Parameters:
    ///   - alphasFile: has the alphas, where the file of the weights does not.
    ///   - space: whose alphas these are. RobustDARTS' code gives them a column for each operation of an edge, not of the space,
    ///     where all edges have equally many: such tensors are spread over the space's columns.
    public static func read(
        _ file: SafetensorsFile, weights: ParameterDirectory, alphas: ParameterDirectory,
        alphasFile: SafetensorsFile? = nil, space: SearchSpace? = nil
    ) throws(CheckpointError) -> Content {
        guard let alphasFile else { return try readAll(file, weights: weights, alphas: alphas, space) }
        var content = try readAll(file, weights: weights, alphas: ParameterDirectory(), space)
        // What else is in it has nothing to do with this supernet.
        content.alphas = try readAll(alphasFile, weights: ParameterDirectory(), alphas: alphas, space).alphas
        return content
    }

    private static func readAll(
        _ file: SafetensorsFile, weights: ParameterDirectory, alphas: ParameterDirectory, _ space: SearchSpace? = nil
    ) throws(CheckpointError) -> Content {
        let fileNames = try namesInFile(file)
        var mismatch = SupernetMismatch()
        var used: Set<String> = []
        func place(_ entry: ParameterDirectory.Entry) -> String? {
            let candidates = [entry.name] + (alphaAliases[entry.name] ?? [])
            guard let name = candidates.first(where: { fileNames[$0] != nil }), let fileName = fileNames[name],
                let tensor = file.tensors[fileName]
            else {
                mismatch.missing.append(entry.name)
                return nil
            }
            used.insert(name)
            if tensor.shape != entry.shape, spread(entry, tensor.shape, space) == nil {
                mismatch.differences.append(.init(name: entry.name, expected: entry.shape, found: tensor.shape))
            }
            return fileName
        }
        let weightNames = weights.entries.compactMap(place)
        let alphaNames = alphas.entries.compactMap(place)
        let others = fileNames.keys.filter { !used.contains($0) }
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let parts = Set(weights.entries.map { firstComponent($0.name) })
        mismatch.unexpected = others.filter { name in
            parts.contains(firstComponent(name)) && !isHarmless(name, beside: used)
        }
        guard mismatch.isEmpty else { throw .mismatch(file: file.path, mismatch) }
        return Content(
            weights: try concatenated(weightNames, of: file),
            alphas: try spreadAlphas(alphaNames, alphas, of: file, space),
            ignored: others, metadata: file.metadata)
    }

    /// Writes weights and alphas under their public names, atomically. The shape goes into the metadata, under `space`,
    /// `channels`, `cells`, `classes`, `input_channels` and `size`, beside the texts given.
    ///
    /// - Precondition: `weights` and `alphas` have the directories' counts.
    /// - Throws: `CheckpointError.unwritable`.
    public static func write(
        weights: [Float], directory: ParameterDirectory, alphas: [Float], alphaDirectory: ParameterDirectory,
        shape: SupernetShape, metadata: [String: String] = [:], to path: String
    ) throws(CheckpointError) {
        precondition(weights.count == directory.count && alphas.count == alphaDirectory.count)
        var file = SafetensorsFile(metadata: metadata.merging(shape.metadata) { _, own in own })
        for (values, directory) in [(weights, directory), (alphas, alphaDirectory)] {
            for entry in directory.entries {
                file.tensors[entry.name] = .init(floats: values[entry.range], shape: entry.shape)
            }
        }
        try file.write(to: path)
    }

    /// The columns of a tensor of alphas, by edge, where it has those of the edges' operations alone; nil where its shape is another.
    private static func spread(
        _ entry: ParameterDirectory.Entry, _ shape: [Int], _ space: SearchSpace?
    ) -> [[Int]]? {
        guard let space, let type = space.cellTypes.firstIndex(where: { $0.alphasName == entry.name }) else {
            return nil
        }
        let first = space.cellTypes[..<type].reduce(0) { $0 + $1.edges.count }
        let columns = Array(space.operationsOfEdge[first..<first + space.cellTypes[type].edges.count])
        return shape.count == 2 && columns.count == shape[0] && columns.allSatisfy({ $0.count == shape[1] })
            ? columns : nil
    }

    /// All alphas, those that a file has not being 0.
    private static func spreadAlphas(
        _ names: [String], _ directory: ParameterDirectory, of file: SafetensorsFile, _ space: SearchSpace?
    ) throws(CheckpointError) -> [Float] {
        var values: [Float] = []
        for (name, entry) in zip(names, directory.entries) {
            let found = try file.floats(name)
            let shape = try file.tensor(name).shape
            guard shape != entry.shape, let columns = spread(entry, shape, space) else {
                values += found
                continue
            }
            var rows = [Float](repeating: 0, count: entry.range.count)
            for (edge, places) in columns.enumerated() {
                for (place, column) in places.enumerated() {
                    rows[edge * entry.shape[1] + column] = found[edge * places.count + place]
                }
            }
            values += rows
        }
        return values
    }

    /// Names without `module.`, each with its name in the file.
    private static func namesInFile(_ file: SafetensorsFile) throws(CheckpointError) -> [String: String] {
        var names: [String: String] = [:]
        for fileName in file.names {
            let name = fileName.hasPrefix("module.") ? String(fileName.dropFirst("module.".count)) : fileName
            if names.updateValue(fileName, forKey: name) != nil {
                throw .malformed(
                    file: file.path, tensor: name, expected: "it once",
                    found: "it with and without the prefix `module.`")
            }
        }
        return names
    }

    private static func concatenated(
        _ names: [String], of file: SafetensorsFile
    ) throws(CheckpointError) -> [Float] {
        var values: [Float] = []
        for name in names { values += try file.floats(name) }
        return values
    }

    private static func firstComponent(_ name: String) -> Substring { name.prefix { $0 != "." } }

    /// Batch norm's buffers, and the bias of a convolution whose weight is used: batch normalisation follows and
    /// subtracts it again, except behind the shortcut of a reduction block.
    private static func isHarmless(_ name: String, beside used: Set<String>) -> Bool {
        guard let dot = name.lastIndex(of: ".") else { return false }
        switch name[name.index(after: dot)...] {
        case "running_mean", "running_var", "num_batches_tracked": return true
        case "bias": return used.contains(name[..<dot] + ".weight") && !name.contains(".downsample.")
        default: return false
        }
    }
}
