import Checkpoint
import Foundation
import TestSupport
import Testing

/// Supernets that did not come from `ostr`.
@Suite struct ImportTests {
    private static let python = ProcessInfo.processInfo.environment["OSTR_TORCH"]

    private func genotype(_ run: String) throws -> String {
        try String(contentsOfFile: run + "/genotype.txt", encoding: .utf8)
    }

    /// A small DARTS supernet, and the options that select from a file as the search did.
    private func trained(_ folder: TemporaryFolder, _ images: SmallImages) async throws -> [String] {
        let common = [
            "--batch", "8", "--shards", "1", "--workers", "0", "--dataset", "mnist", "--data", images.folder.path,
        ]
        let result = try await Command.run(
            [
                "search", "--space", "darts", "--channels", "2", "--cells", "3", "--epochs", "1", "--output",
                folder("search"),
            ]
                + common, in: folder)
        try #require(result.status == 0, "\(result.error)")
        return ["select"] + common
    }

    @Test("alphas that are kept outside come from a file of their own; what is missing or does not fit is told")
    func alphasOutside() async throws {
        let folder = try TemporaryFolder()
        let images = try SmallImages(count: 48)
        let select = try await trained(folder, images)
        var weights = try SafetensorsFile(reading: folder("search/supernet.safetensors"))
        weights.metadata = [:]
        var alphas = SafetensorsFile(path: folder("alphas.safetensors"))
        for type in ["normal", "reduce"] {
            alphas.tensors["alphas_\(type)"] = weights.tensors.removeValue(forKey: "alphas.\(type)")
        }
        weights.tensors["stem.1.running_mean"] = .init(floats: [Float](repeating: 0, count: 6), shape: [6])
        try weights.write(to: folder("weights.safetensors"))
        try alphas.write(to: folder("alphas.safetensors"))
        let file = ["--supernet", folder("weights.safetensors")]
        var result = try await Command.run(select + file + ["--output", folder("no")], in: folder)
        result.expectFailure(65, ["weights.safetensors", "no alphas", "--alphas"])
        result = try await Command.run(
            select + file + ["--alphas", folder("weights.safetensors"), "--output", folder("no")], in: folder)
        result.expectFailure(65, ["alphas.normal"])
        result = try await Command.run(
            select + file + ["--alphas", folder("alphas.safetensors"), "--output", folder("yes")], in: folder)
        try #require(result.status == 0, "\(result.error)")
        #expect(try genotype(folder("yes")) == genotype(folder("search")))
        #expect(result.error.contains("not needed of \(folder("weights.safetensors")): `stem.1.running_mean`"))

        let other = select + ["--supernet", folder("search/supernet.safetensors"), "--channels", "4"]
        result = try await Command.run(other, in: folder)
        result.expectFailure(65, ["--log-level info", "stem.0.weight", "(6, 1, 3, 3)", "(12, 1, 3, 3)"])
        result = try await Command.run(other + ["--log-level", "info"], in: folder)
        #expect(
            result.error.contains(
                "`cells.2._ops.13._ops.7.op.2.weight` is (8, 8, 1, 1) in the file, (16, 16, 1, 1) expected"))
    }

    /// Saves a supernet of ours as PyTorch code would: one dictionary with a wrapped state dict, buffers, and alphas outside.
    private static let save = """
        import json, sys, torch
        data = open(sys.argv[1], 'rb').read()
        size = int.from_bytes(data[:8], 'little')
        header = json.loads(data[8:8 + size])
        header.pop('__metadata__', None)
        state = {}
        for name, entry in header.items():
            start, end = entry['data_offsets']
            body = bytearray(data[8 + size + start:8 + size + end])
            state[name] = torch.frombuffer(body, dtype=torch.float32).reshape(entry['shape']).clone()
        alphas = [torch.nn.Parameter(state.pop('alphas.' + name)) for name in ('normal', 'reduce')]
        wrapped = {'module.' + name: tensor for name, tensor in state.items()}
        wrapped['module.stem.1.num_batches_tracked'] = torch.tensor(7)
        torch.save({'epoch': 3, 'state_dict': wrapped, '_arch_parameters': alphas}, sys.argv[2])
        torch.save(wrapped, sys.argv[3])
        torch.save({'args': __import__('argparse').Namespace(seed=1)}, sys.argv[4])
        """

    @Test(
        "a .pth goes through the converter, with its alphas beside the weights or apart",
        .enabled(if: python != nil, "OSTR_TORCH names a Python that has PyTorch"))
    func converter() async throws {
        let folder = try TemporaryFolder()
        let images = try SmallImages(count: 48)
        let select = try await trained(folder, images)
        let python = URL(fileURLWithPath: try #require(Self.python))
        let tool = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../tools/convert-supernet").standardizedFileURL.path
        let (all, bare, unsafe) = (folder("all.pth"), folder("bare.pth"), folder("unsafe.pth"))
        var result = try await Command.run(
            ["-c", Self.save, folder("search/supernet.safetensors"), all, bare, unsafe], in: folder, program: python)
        try #require(result.status == 0, "\(result.error)")
        for (name, arguments) in [("beside", [all]), ("apart", [bare, "--alphas", all])] {
            let file = folder("\(name).safetensors")
            result = try await Command.run(
                [tool, arguments[0], file] + arguments.dropFirst(), in: folder, program: python)
            try #require(result.status == 0, "\(result.error)")
            result = try await Command.run(
                select + ["--supernet", file, "--output", folder(name)], in: folder)
            try #require(result.status == 0, "\(result.error)")
            #expect(try genotype(folder(name)) == genotype(folder("search")))
        }
        result = try await Command.run([tool, unsafe, folder("x")], in: folder, program: python)
        #expect(result.status == 1 && result.error.contains("weights alone"), "\(result.error)")
        result = try await Command.run([tool, folder("nothing.pth"), folder("x")], in: folder, program: python)
        #expect(result.status == 1 && result.error.contains("no such file"), "\(result.error)")
        #expect(!folder.contents.contains("x"))
    }
}
