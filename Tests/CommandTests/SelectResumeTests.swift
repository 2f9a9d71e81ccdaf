import Checkpoint
import Foundation
import TestSupport
import Testing

/// A selection alone that is interrupted goes on.
@Suite struct SelectResumeTests {
    private let folder: TemporaryFolder
    private let images: SmallImages
    private let select: [String]

    init() async throws {
        let images = try SmallImages()
        folder = try TemporaryFolder()
        self.images = images
        select = [
            "select", "--supernet", folder("search/supernet.safetensors"), "--data", images.folder.path, "--batch",
            "32",
            "--shards", "4",
        ]
        let result = try await Command.run(
            ["search"] + images.searchOptions + ["--epochs", "0", "--workers", "0", "--output", folder("search")],
            in: folder)
        try #require(result.status == 0, "\(result.error)")
    }

    /// Lines of a run's log with this event.
    private static func count(_ event: String, _ run: String) -> Int {
        ((try? String(contentsOfFile: run + "/log.jsonl", encoding: .utf8)) ?? "").components(
            separatedBy: "\"event\":\"\(event)\""
        ).count - 1
    }

    private func text(_ file: String) throws -> String { try String(contentsOfFile: folder(file), encoding: .utf8) }

    /// Runs a selection whole, then one that gets a signal after two of these events and goes on when its file is gone.
    ///
    /// - Returns: evaluations that the checkpoint had, that were told of after it, and that the whole one takes.
    private func interrupt(
        after event: String, _ signal: Int32, _ options: [String]
    ) async throws -> (kept: Int, repeated: Int, whole: Int) {
        var result = try await Command.run(select + options + ["--output", folder("whole")], in: folder)
        try #require(result.status == 0, "\(result.error)")
        let run = folder("cut")
        result = try await Command.run(select + options + ["--output", run], in: folder) { process in
            let limit = ContinuousClock.now + .seconds(60)
            while Self.count(event, run) < 2, ContinuousClock.now < limit { usleep(2000) }
            kill(process, signal)
        }
        #expect(result.status == (signal == SIGKILL ? SIGKILL : 0), "\(result.error)")
        #expect(signal == SIGKILL || result.error.contains("--resume"), "\(result.error)")
        #expect(result.output.isEmpty, "it did not end")
        let kept = try CheckpointFolder.verify(run).evaluations
        let told = Self.count("evaluations", run)
        let file = folder("search/supernet.safetensors")
        try FileManager.default.moveItem(atPath: file, toPath: file + ".gone")
        result = try await Command.run(["select", "--resume", run], in: folder)
        try #require(result.status == 0, "\(result.error)")
        #expect(!FileManager.default.fileExists(atPath: run + "/checkpoints"))
        result = try await Command.run(["select", "--resume", run], in: folder)
        result.expectFailure(66, ["its run is complete"])
        return (kept, Self.count("evaluations", run) - told, Self.count("evaluations", folder("whole")))
    }

    @Test(
        "a killed selection ends with the digest of an undisturbed one, and evaluates nothing twice that was kept",
        arguments: [["--full-table"], ["--fine-tune-epochs", "1", "--strength-images", "32"]])
    func killed(options: [String]) async throws {
        let (kept, repeated, whole) = try await interrupt(after: "edge_decided", SIGKILL, ["--workers", "0"] + options)
        #expect(kept > 0 && repeated == whole - kept)
        let digest = try #require(text("whole/summary.json").firstMatch(of: /"digest" : "([0-9a-f]{64})"/)).1
        #expect(try text("cut/summary.json").contains("\"digest\" : \"\(digest)\""))
        #expect(try text("cut/strengths.csv") == text("whole/strengths.csv"))
    }

    @Test("so does one with workers that is interrupted")
    func interrupted() async throws {
        let (kept, repeated, whole) = try await interrupt(
            after: "edge_decided", SIGINT, ["--workers", "2", "--full-table"])
        #expect(kept > 0 && repeated < whole)
        let digest = try #require(text("whole/summary.json").firstMatch(of: /"digest" : "([0-9a-f]{64})"/)).1
        #expect(try text("cut/summary.json").contains("\"digest\" : \"\(digest)\""))
    }

    @Test("a comparison of criteria that is interrupted ends with the same table")
    func comparison() async throws {
        let criteria = ["magnitude", "removal", "strength", "first-order"].flatMap { ["--criterion", $0] }
        let (kept, repeated, whole) = try await interrupt(
            after: "chosen", SIGINT, criteria + ["--workers", "0", "--strength-images", "64"])
        #expect(kept > 0 && repeated == whole - kept)
        #expect(try text("cut/criteria.csv") == text("whole/criteria.csv"))
    }

    @Test("a run of another kind, and one of which nothing is kept, are refused")
    func refused() async throws {
        let manager = FileManager.default
        var result = try await Command.run(
            select + ["--workers", "0", "--strength-images", "8", "--output", folder("whole")], in: folder)
        try #require(result.status == 0, "\(result.error)")
        // As if they had ended before anything was kept.
        for run in ["search", "whole"] {
            try manager.createDirectory(atPath: folder("began-" + run), withIntermediateDirectories: true)
            try manager.copyItem(atPath: folder(run + "/config.json"), toPath: folder("began-\(run)/config.json"))
        }
        result = try await Command.run(["select", "--resume", folder("began-search")], in: folder)
        result.expectFailure(64, ["is a search", "ostr search --resume"])
        result = try await Command.run(["search", "--resume", folder("began-whole")], in: folder)
        result.expectFailure(64, ["is a selection alone", "ostr select --resume"])
        result = try await Command.run(["select", "--resume", folder("began-whole")], in: folder)
        result.expectFailure(66, ["nothing is kept", "ostr select --supernet"])
        result = try await Command.run(["select", "--resume", folder("nowhere")], in: folder)
        result.expectFailure(66, ["no run began there"])
    }
}
