import Checkpoint
import Foundation
import TestSupport
import Testing

@Suite struct TrainCommandTests {
    private static let cell = "|nor_conv_3x3~0|+|avg_pool_3x3~0|nor_conv_1x1~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"

    /// The parts of `summary.json`, and of what `ostr evaluate` prints, that are looked at.
    private struct Report: Decodable {
        struct Measure: Decodable, Equatable {
            var loss: Double
            var accuracy: Double
            var images: Int
        }
        struct Epoch: Decodable {
            var epoch: Int
            var training: Measure
        }
        var digest: String?
        var architecture: String?
        var parameters: Int
        var multiplyAdds: Int
        var test: Measure
        var epochs: [Epoch]?
    }

    private func report(_ bytes: Data) throws -> Report {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Report.self, from: bytes)
    }

    private func summary(_ folder: String) throws -> Report {
        try report(Data(contentsOf: URL(fileURLWithPath: folder + "/summary.json")))
    }

    private func options(_ images: SmallImages) -> [String] {
        [
            "--dataset", "mnist", "--data", images.folder.path, "--channels", "4", "--cells", "1", "--epochs", "2",
            "--batch", "32", "--shards", "2",
        ]
    }

    @Test("a training leaves a whole run folder, learns, and is what an evaluation says of it")
    func training() async throws {
        let images = try SmallImages()
        let folder = try TemporaryFolder()
        let run = folder("network")
        var result = try await Command.run(
            ["train", "--architecture", Self.cell, "--workers", "0", "--output", run] + options(images), in: folder)
        try #require(result.status == 0, "\(result.error)")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: run).sorted() == [
                "config.json", "genotype.dot", "genotype.svg", "genotype.txt", "log.jsonl", "network.safetensors",
                "summary.json",
            ])
        let exported = try await Command.run(["export", run, "--output", folder("network.onnx")], in: folder)
        #expect(exported.status == 0 && exported.output.contains("opset 17"), "\(exported.error)")
        let twice = ["export", run, "--genotype", Self.cell, "--output", folder("other.onnx")]
        try await Command.run(twice, in: folder).expectFailure(64, ["trained network", "--genotype"])
        let trained = try summary(run)
        #expect(trained.architecture == Self.cell && trained.test.images == 32)
        #expect(trained.epochs?.map(\.epoch) == [1, 2] && trained.epochs?[0].training.images == 256)
        #expect(trained.epochs?.last?.training.loss ?? 9 < trained.epochs?.first?.training.loss ?? 0)
        #expect(result.output.contains("test accuracy") && result.output.contains("FLOPs"))
        #expect(result.error.contains("epoch 2/2") && !result.error.contains("validation"))

        let file = try SafetensorsFile(reading: run + "/network.safetensors")
        #expect(file.tensors["cells.0.layers.0.op.2.running_var"]?.shape == [4])
        #expect(file.tensors["stem.1.num_batches_tracked"]?.shape == [])
        #expect(try file.integers("stem.1.num_batches_tracked") == [16])
        for path in [run, run + "/network.safetensors"] {
            result = try await Command.run(
                ["evaluate", path, "--json", "--data", images.folder.path], in: folder)
            try #require(result.status == 0, "\(result.error)")
            let evaluated = try report(Data(result.output.utf8))
            #expect(evaluated.test == trained.test)
            #expect(evaluated.parameters == trained.parameters && evaluated.multiplyAdds == trained.multiplyAdds)
        }

        result = try await Command.run(
            ["evaluate", run + "/network.safetensors", "--channels", "8", "--data", images.folder.path], in: folder)
        result.expectFailure(
            65, ["`stem.0.weight` is (4, 1, 3, 3) in the file, (8, 1, 3, 3) expected", "--log-level info"])
        result = try await Command.run(["train", "--resume", run], in: folder)
        result.expectFailure(66, ["its run is complete"])
    }

    @Test(
        "local workers train to the same bits, from the cells of a search or of a file, and an interruption changes nothing"
    )
    func sameDigest() async throws {
        let images = try SmallImages()
        let folder = try TemporaryFolder()
        var result = try await Command.run(
            ["search"] + images.searchOptions + ["--workers", "0", "--output", folder("search")], in: folder)
        try #require(result.status == 0, "\(result.error)")
        var digests: Set<String?> = []
        for (name, arguments) in [
            ("one", ["--from", folder("search"), "--workers", "0"]),
            ("two", ["--genotype", folder("search/genotype.txt"), "--workers", "2"]),
        ] {
            result = try await Command.run(
                ["train", "--output", folder(name)] + arguments + options(images), in: folder)
            try #require(result.status == 0, "\(result.error)")
            digests.insert(try summary(folder(name)).digest)
        }
        #expect(digests.count == 1)
        result = try await Command.run(["evaluate", folder("search")], in: folder)
        result.expectFailure(65, ["the run of a search", "ostr train --from"])
        result = try await Command.run(["search", "--resume", folder("search")], in: folder)
        result.expectFailure(66, ["its run is complete"])
    }

    @Test(
        "what cannot be trained is refused with one line, before anything is written",
        arguments: [
            (["--recipe", "darts"], "the recipe darts is impossible for a network of nasbench201"),
            (["--auxiliary", "0.4"], "no auxiliary head"), (["--cutout", "33"], "0 to 32 are allowed"),
            (["--batch", "1024", "--shards", "32"], "more than there are"),
            (["--space", "darts"], "`normal=`"), (["--shards", "64"], "1, 2, 4, 8, 16, 32"),
        ])
    func refusals(_ options: [String], _ fragment: String) async throws {
        let images = try SmallImages()
        let folder = try TemporaryFolder()
        let cell =
            "Genotype(cell=[[('nor_conv_3x3', 0)], [('none', 0), ('none', 1)], [('none', 0), ('none', 1), ('none', 2)]])"
        let result = try await Command.run(
            ["train", "--genotype", cell, "--dataset", "mnist", "--data", images.folder.path, "--batch", "32"]
                + options,
            in: folder)
        #expect(result.status == 64 || result.status == 65)
        result.expectFailure(result.status, [fragment])
        #expect(folder.contents.isEmpty)
    }
}
