import Checkpoint
import Foundation
import Supernet
import TestSupport
import Testing

/// `ostr export`: the discrete network for other programs.
@Suite struct ExportTests {
    private static let python = ProcessInfo.processInfo.environment["OSTR_ONNXRUNTIME"]

    private func search(_ space: String, cells: Int, _ folder: TemporaryFolder, _ images: SmallImages) async throws
        -> String
    {
        let run = folder(space)
        let result = try await Command.run(
            [
                "search", "--space", space, "--channels", "4", "--cells", "\(cells)", "--epochs", "1", "--batch", "8",
                "--shards", "1", "--workers", "0", "--dataset", "mnist", "--data", images.folder.path,
                "--strength-images", "8", "--output", run,
            ], in: folder)
        try #require(result.status == 0, "\(result.error)")
        return run
    }

    @Test("a run's network is written as ONNX and as safetensors, and what is wrong is told in one line")
    func run() async throws {
        let folder = try TemporaryFolder()
        let run = try await search("nasbench201", cells: 1, folder, try SmallImages(count: 48))
        let (onnx, weights) = (folder("cell.onnx"), folder("cell.safetensors"))
        var result = try await Command.run(["export", run, "--output", onnx, "--output", weights], in: folder)
        try #require(result.status == 0, "\(result.error)")
        #expect(result.output.contains("cell.onnx: ONNX, opset 17"), "\(result.output)")

        let supernet = try SafetensorsFile(reading: run + "/supernet.safetensors")
        let exported = try SafetensorsFile(reading: weights)
        #expect(exported.tensors["stem.0.weight"] == supernet.tensors["stem.0.weight"])
        #expect(exported.tensors["alphas.arch"] == nil)
        #expect(exported.metadata["space"] == "nasbench201" && exported.metadata["mean"] == "0.1307")
        let text = try String(contentsOfFile: run + "/genotype.txt", encoding: .utf8)
        #expect(text.contains(exported.metadata["genotype"] ?? "-"))

        // The same from its parts.
        let again = folder("again.onnx")
        let parts = ["export", "--supernet", run + "/supernet.safetensors", "--genotype", run + "/genotype.txt"]
        result = try await Command.run(parts + ["--output", again], in: folder)
        #expect(result.status == 0, "\(result.error)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: again)) == Data(contentsOf: URL(fileURLWithPath: onnx)))

        result = try await Command.run(parts + ["--output", again], in: folder)
        result.expectFailure(73, ["again.onnx", "exists already"])
        result = try await Command.run(parts + ["--output", folder("cell.pt")], in: folder)
        result.expectFailure(64, ["cell.pt", ".onnx", ".safetensors"])
        result = try await Command.run(parts + ["--output", folder("no/cell.onnx")], in: folder)
        result.expectFailure(74, ["no/cell.onnx", "No such file"])
        result = try await Command.run(["export", "--output", folder("x.onnx")], in: folder)
        result.expectFailure(64, ["--supernet and --genotype"])
        result = try await Command.run(["export", folder("nowhere"), "--output", folder("x.onnx")], in: folder)
        result.expectFailure(66, ["nowhere", "no run folder"])
        result = try await Command.run(
            ["export", run, "--genotype", "Genotype(cell=[[('hop', 0)]])", "--output", folder("x.onnx")], in: folder)
        result.expectFailure(65, ["1 nodes"])
        result = try await Command.run(
            ["export", run, "--supernet", weights, "--output", folder("x.onnx")], in: folder)
        result.expectFailure(65, ["missing", "cells."])
        #expect(!folder.contents.contains("x.onnx"))
    }

    /// Prints the logits that ONNX's runtime gives for images, after ONNX's own checks of the model.
    private static let script = """
        import sys
        import numpy, onnx, onnxruntime
        onnx.checker.check_model(onnx.load(sys.argv[1]), full_check=True)
        session = onnxruntime.InferenceSession(sys.argv[1], providers=['CPUExecutionProvider'])
        images = numpy.fromfile(sys.argv[2], dtype='<f4').reshape([-1] + session.get_inputs()[0].shape[1:])
        for value in session.run(None, {'images': images})[0].reshape(-1):
            print(repr(float(value)))
        """

    @Test(
        "ONNX's runtime gives our logits", .enabled(if: python != nil, "OSTR_ONNXRUNTIME names a Python that has it"),
        arguments: [("nasbench201", 1), ("darts", 3)])
    func runtime(space: String, cells: Int) async throws {
        let folder = try TemporaryFolder()
        let run = try await search(space, cells: cells, folder, try SmallImages(count: 48))
        let file = folder("cell.onnx")
        var result = try await Command.run(["export", run, "--output", file], in: folder)
        try #require(result.status == 0, "\(result.error)")

        let trained = try SafetensorsFile(reading: run + "/supernet.safetensors")
        let shape = try #require(SupernetShape(of: trained, imageSize: 32))
        let count = 8
        let supernet = try Supernet(shape: shape, shardImages: count)
        let content = try SupernetFile.read(
            trained, weights: supernet.parameters, alphas: supernet.alphaDirectory)
        let text = try String(contentsOfFile: run + "/genotype.txt", encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("Genotype") })
        let genotype = try Genotype(parsing: String(line), among: [supernet.space])
        var generator = SplitMix64(seed: 1)
        let images = (0..<count * 1024).map { _ in Float.random(in: -2...2, using: &generator) }
        supernet.load(weights: content.weights)
        _ = supernet.evaluate(
            images: images, labels: [UInt8](repeating: 0, count: count),
            choices: genotype.operations.map { $0.map { .single($0) } ?? .leftOut })

        let bytes = images.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } }
        let input = try folder.write(bytes, to: "images")
        result = try await Command.run(
            ["-c", Self.script, file, input], in: folder, program: URL(fileURLWithPath: try #require(Self.python)))
        try #require(result.status == 0, "\(result.error)")
        let logits = result.output.split(separator: "\n").compactMap { Float($0) }
        let message = difference("logits", logits, supernet.logits, within: Tolerance(absolute: 1e-4))
        #expect(message == nil)
    }
}
