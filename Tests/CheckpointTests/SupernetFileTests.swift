import Checkpoint
import Supernet
import TestSupport
import Testing

@Suite("Supernets in files")
struct SupernetFileTests {
    private let weights = directory([
        ("stem.0.weight", [2, 3, 3, 3]), ("stem.1.weight", [2]), ("cells.0.edges.1<-0.2.op.1.weight", [2, 2, 1, 1]),
        ("classifier.weight", [10, 8]), ("classifier.bias", [10]),
    ])
    private let alphas = directory([("alphas.arch", [6, 5])])
    private let shape = SupernetShape(
        space: "nasbench201", channels: 2, cells: 1, classes: 10, inputChannels: 3, imageSize: 32)

    private static func directory(_ entries: [(String, [Int])]) -> ParameterDirectory {
        var directory = ParameterDirectory()
        for (name, shape) in entries { directory.append(name, shape, .constant(0)) }
        return directory
    }

    private var weightValues: [Float] { (0..<weights.count).map(Float.init) }
    private var alphaValues: [Float] { (0..<30).map { -Float($0) } }

    /// A file as it should be, for a test to change.
    private var file: SafetensorsFile {
        var file = SafetensorsFile(path: "net.safetensors")
        for entry in weights.entries {
            file.tensors[entry.name] = .init(floats: weightValues[entry.range], shape: entry.shape)
        }
        file.tensors["alphas.arch"] = .init(floats: alphaValues, shape: [6, 5])
        return file
    }

    private func read(_ file: SafetensorsFile) throws(CheckpointError) -> SupernetFile.Content {
        try SupernetFile.read(file, weights: weights, alphas: alphas)
    }

    private func error(_ file: SafetensorsFile) throws -> String {
        try #require(#expect(throws: CheckpointError.self) { try read(file) }).description
    }

    @Test("a supernet that was written is read again, and its shape is in the file")
    func roundTrip() throws {
        let folder = try TemporaryFolder()
        let path = folder("supernet.safetensors")
        try SupernetFile.write(
            weights: weightValues, directory: weights, alphas: alphaValues, alphaDirectory: alphas, shape: shape,
            metadata: ["seed": "7"], to: path)
        let content = try SupernetFile.read(path, weights: weights, alphas: alphas)
        #expect(content.weights == weightValues)
        #expect(content.alphas == alphaValues)
        #expect(content.ignored.isEmpty)
        #expect(content.metadata["seed"] == "7")
        #expect(content.metadata["channels"] == "2")
    }

    @Test("alphas with a column for each of an edge's operations are spread over the space's, others are refused")
    func narrowAlphas() throws {
        let space = SearchSpace.s1
        let narrow = (0..<28).map { Float($0 + 1) }
        var file = SafetensorsFile(path: "s1.safetensors")
        for (type, offset) in [("normal", Float(0)), ("reduce", 100)] {
            file.tensors["alphas_\(type)"] = .init(floats: narrow.map { $0 + offset }, shape: [14, 2])
        }
        let nothing = ParameterDirectory()
        let alphas = try SupernetFile.read(file, weights: nothing, alphas: space.alphaDirectory, space: space).alphas
        #expect(alphas.count == 28 * space.operations.count)
        for (edge, operations) in space.operationsOfEdge.enumerated() {
            let row = Array(alphas[edge * space.operations.count..<(edge + 1) * space.operations.count])
            let values = (edge < 14 ? 0 : 100) + Float(edge % 14) * 2
            #expect(operations.map { row[$0] } == [values + 1, values + 2])
            #expect(row.count { $0 != 0 } == 2)
        }
        #expect(throws: CheckpointError.self) {
            try SupernetFile.read(file, weights: nothing, alphas: space.alphaDirectory)
        }
        file.tensors["alphas_reduce"] = .init(floats: narrow + narrow, shape: [14, 4])
        #expect(throws: CheckpointError.self) {
            try SupernetFile.read(file, weights: nothing, alphas: space.alphaDirectory, space: space)
        }
    }

    @Test("alphas are found under AutoDL's name too", arguments: ["arch_parameters", "_arch_parameters"])
    func alphaNames(name: String) throws {
        var file = file
        file.tensors[name] = file.tensors.removeValue(forKey: "alphas.arch")
        #expect(try read(file).alphas == alphaValues)
    }

    @Test("the prefix of PyTorch's data-parallel wrappers is removed")
    func prefix() throws {
        var file = file
        file.tensors = Dictionary(uniqueKeysWithValues: file.tensors.map { ("module.\($0.key)", $0.value) })
        #expect(try read(file).weights == weightValues)
        file.tensors["stem.1.weight"] = .init(floats: [1, 2], shape: [2])
        #expect(try error(file).contains("with and without the prefix"))
    }

    @Test("buffers, cancelled biases and tensors of no supernet's part are ignored and reported")
    func ignored() throws {
        var file = file
        let extra = [
            "cells.0.edges.1<-0.2.op.1.bias", "cells.0.edges.1<-0.2.op.2.running_mean", "grad.stem.1.weight",
            "stem.1.num_batches_tracked", "stem.1.running_var",
        ]
        for name in extra { file.tensors[name] = .init(integers: [1], shape: []) }
        #expect(try read(file).ignored == extra)
    }

    @Test("weights in half precision are converted")
    func half() throws {
        var file = file
        file.tensors["stem.1.weight"] = .init(type: .f16, shape: [2], bytes: [0, 0x3c, 0, 0xc0])
        #expect(try Array(read(file).weights[54..<56]) == [1, -2])
        file.tensors["stem.1.weight"] = .init(type: .i64, shape: [1], bytes: Array(repeating: 0, count: 8)[...])
        #expect(try error(file).contains("`stem.1.weight` is (1) in the file, (2) expected"))
        file.tensors["stem.1.weight"] = .init(integers: [1, 2], shape: [2])
        #expect(
            try error(file) == "net.safetensors: tensor `stem.1.weight`: expected type F32, F64, F16 or BF16, found I64"
        )
    }

    @Test("another shape is an error with the first mismatching name, both shapes, and how many more")
    func mismatch() throws {
        var file = file
        file.tensors["stem.0.weight"] = .init(floats: Array(repeating: 0, count: 36), shape: [4, 1, 3, 3])
        file.tensors["classifier.bias"] = .init(floats: [1], shape: [1])
        #expect(
            try error(file) == "net.safetensors: not a network of the expected shape: `stem.0.weight` is (4, 1, 3, 3) "
                + "in the file, (2, 3, 3, 3) expected (and 1 more of another shape)")
    }

    @Test("missing and surplus weights are an error that names them")
    func missing() throws {
        var file = file
        file.tensors["alphas.arch"] = nil
        file.tensors["classifier.bias"] = nil
        file.tensors["cells.17.edges.1<-0.2.op.1.weight"] = .init(floats: [1], shape: [1])
        #expect(
            try error(file) == "net.safetensors: not a network of the expected shape: missing: `classifier.bias`, "
                + "`alphas.arch`; not part of it: `cells.17.edges.1<-0.2.op.1.weight`")
        file.tensors = [:]
        #expect(
            try error(file).hasSuffix(
                "missing: `stem.0.weight`, `stem.1.weight`, `cells.0.edges.1<-0.2.op.1.weight` and 3 more"))
    }

    @Test("the shape of a supernet is read off its tensors")
    func inferredShape() {
        var file = file
        for index in 1..<5 { file.tensors["cells.\(index).conv_a.op.1.weight"] = .init(floats: [], shape: [0]) }
        #expect(SupernetShape(of: file, imageSize: 32) == shape)
        file.metadata["size"] = "16"
        #expect(SupernetShape(of: file, imageSize: 32)?.imageSize == 16)
        file.tensors["cells.9.x"] = .init(floats: [], shape: [0])
        #expect(SupernetShape(of: file, imageSize: 32) == nil)
        #expect(SupernetShape(of: SafetensorsFile(), imageSize: 32) == nil)
    }
}
