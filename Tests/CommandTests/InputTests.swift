import Checkpoint
import Foundation
import Supernet
import TestSupport
import Testing

@Suite struct InputTests {
    @Test(
        "a missing data set names the command that fetches it",
        arguments: [
            ("fashion-mnist", "apt-get install dataset-fashion-mnist"), ("cifar10", "script/fetch-cifar10"),
            ("cifar100", "cifar-100-binary"), ("mnist", "IDX"),
        ])
    func missingData(_ dataset: String, _ remedy: String) async throws {
        let folder = try TemporaryFolder()
        let result = try await Command.run(
            ["search", "--dataset", dataset, "--data", folder("nothing")], in: folder)
        result.expectFailure(66, [folder("nothing"), remedy])
        #expect(folder.contents.isEmpty)
    }

    @Test("an empty folder of images is as good as none")
    func emptyFolder() async throws {
        let folder = try TemporaryFolder()
        let result = try await Command.run(["search", "--dataset", "cifar10", "--data", folder.path], in: folder)
        result.expectFailure(66, ["script/fetch-cifar10"])
    }

    /// How a data set can be broken.
    enum Fault: String, Sendable, CaseIterable {
        case truncated, foreign, labelOutOfRange, otherCount, empty
    }

    @Test("a broken file of images ends the run before it begins and is named", arguments: Fault.allCases)
    func brokenData(_ fault: Fault) async throws {
        let images = try SmallImages()
        let file: String
        switch fault {
        case .truncated:
            file = try images.folder.write(images.images(256).dropLast(100), to: images.imagesFile)
        case .foreign:
            file = try images.folder.write(Array(repeating: UInt8(ascii: "x"), count: 4096), to: images.imagesFile)
        case .labelOutOfRange:
            var labels = images.labels(256)
            labels[8 + 77] = 10
            file = try images.folder.write(labels, to: images.labelsFile)
        case .otherCount:
            file = try images.folder.write(images.labels(255), to: images.labelsFile)
        case .empty:
            file = try images.folder.write([], to: images.labelsFile)
        }
        let folder = try TemporaryFolder()
        let result = try await Command.run(["search"] + images.searchOptions + ["--output", folder("run")], in: folder)
        result.expectFailure(65, [file, "expected", "found"])
        if fault == .labelOutOfRange { #expect(result.error.contains("77"), "\(result.error)") }
        #expect(folder.contents.isEmpty)
    }

    @Test("more images than there are, and a batch that does not fit its half, say how many there are")
    func tooFewImages() async throws {
        let images = try SmallImages(count: 100)
        let folder = try TemporaryFolder()
        var result = try await Command.run(["search"] + images.searchOptions + ["--images", "101"], in: folder)
        result.expectFailure(64, ["101", "100"])
        result = try await Command.run(["search"] + images.searchOptions + ["--batch", "64"], in: folder)
        result.expectFailure(64, ["64", "100", "50"])
        result = try await Command.run(["search"] + images.searchOptions + ["--strength-images", "51"], in: folder)
        result.expectFailure(64, ["51", "50"])
        result = try await Command.run(["search"] + images.searchOptions + ["--strength-images", "7"], in: folder)
        result.expectFailure(64, ["7", "8"])
        #expect(folder.contents.isEmpty)
    }

    @Test("an output folder that exists is left alone")
    func existingOutput() async throws {
        let images = try SmallImages()
        let folder = try TemporaryFolder()
        try folder.write(Array("mine".utf8), to: "run/file")
        for output in [folder("run"), folder("run/file")] {
            let result = try await Command.run(["search"] + images.searchOptions + ["--output", output], in: folder)
            result.expectFailure(73, [output, "exists", "--output"])
        }
        #expect(folder.contents == ["run"])
    }

    @Test("an output folder that cannot be made is refused before anything is computed")
    func impossibleOutput() async throws {
        let images = try SmallImages()
        let folder = try TemporaryFolder()
        let file = try folder.write([], to: "file")
        let result = try await Command.run(
            ["search"] + images.searchOptions + ["--output", file + "/run"], in: folder)
        result.expectFailure(73, [file + "/run"])
        #expect(folder.contents == ["file"])
    }

    /// A supernet's file with random weights.
    private func writeSupernet(_ shape: SupernetShape, to path: String) throws {
        let supernet = try Supernet(shape: shape, shardImages: 1)
        var alphas = ParameterDirectory()
        alphas.append("alphas.arch", [supernet.edges, supernet.operations], .constant(0))
        try SupernetFile.write(
            weights: Supernet.initialWeights(supernet.parameters, seed: 1), directory: supernet.parameters,
            alphas: Supernet.initialAlphas(count: alphas.count, seed: 1), alphaDirectory: alphas, shape: shape, to: path
        )
    }

    @Test("a supernet of another shape is refused with the first name that differs and both shapes")
    func otherShape() async throws {
        let images = try SmallImages()
        let folder = try TemporaryFolder()
        let shape = SupernetShape(
            space: "nasbench201", channels: 4, cells: 1, classes: 10, inputChannels: 3, imageSize: 32)
        try writeSupernet(shape, to: folder("supernet.safetensors"))
        let select = [
            "select", "--supernet", folder("supernet.safetensors"), "--dataset", "mnist", "--data", images.folder.path,
            "--batch", "32", "--workers", "0", "--output", folder("run"),
        ]
        var result = try await Command.run(select, in: folder)
        result.expectFailure(65, ["stem.0.weight", "(4, 3, 3, 3)", "(4, 1, 3, 3)"])
        result = try await Command.run(select + ["--channels", "8"], in: folder)
        result.expectFailure(65, ["stem.0.weight", "(4, 3, 3, 3)", "(8, 1, 3, 3)"])
        #expect(folder.contents == ["supernet.safetensors"])
    }

    @Test("a file that is no supernet is refused")
    func foreignSupernet() async throws {
        let images = try SmallImages()
        let folder = try TemporaryFolder()
        let file = try folder.write(Array("not a safetensors file, whatever its name says".utf8), to: "x.safetensors")
        let data = ["--dataset", "mnist", "--data", images.folder.path, "--output", folder("run")]
        var result = try await Command.run(["select", "--supernet", file] + data, in: folder)
        result.expectFailure(65, [file, "expected", "found"])
        result = try await Command.run(["select", "--supernet", folder("missing")] + data, in: folder)
        result.expectFailure(66, [folder("missing")])
        try SafetensorsFile(tensors: ["other": .init(floats: [1, 2], shape: [2])]).write(to: file)
        result = try await Command.run(["select", "--supernet", file] + data, in: folder)
        result.expectFailure(65, [file, "stem.0.weight", "nasbench201"])
        #expect(folder.contents == ["x.safetensors"])
    }
}
