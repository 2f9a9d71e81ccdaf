import Foundation
import TestSupport
import Testing

@Suite struct BenchTests {
    @Test("a bench prints one line of JSON with plausible figures", arguments: ["weights", "alphas", "evaluate"])
    func local(_ work: String) async throws {
        let result = try await Command.run(
            ["bench", "--work", work, "--channels", "4", "--cells", "1", "--batch", "16", "--steps", "2"],
            in: TemporaryFolder())
        try check(result, work: work)
    }

    @Test("a bench of the DARTS space does the same")
    func darts() async throws {
        let result = try await Command.run(
            ["bench", "--space", "darts", "--channels", "2", "--cells", "3", "--batch", "16", "--steps", "1"],
            in: TemporaryFolder())
        try check(result, work: "weights")
    }

    @Test("with several workers the same steps run in worker processes", arguments: ["weights", "evaluate"])
    func cluster(_ work: String) async throws {
        let result = try await Command.run(
            [
                "bench", "--work", work, "--channels", "4", "--cells", "1", "--batch", "32", "--steps", "2",
                "--workers", "2",
            ], in: TemporaryFolder())
        try check(result, work: work)
    }

    @Test("a profile accounts for the whole step, with a row for what no kernel accounts for")
    func profile() async throws {
        let result = try await Command.run(
            ["bench", "--profile", "--channels", "4", "--cells", "1", "--batch", "16", "--steps", "2"],
            in: TemporaryFolder())
        try #require(result.status == 0, "\(result.error)")
        for text in ["convolution 3×3, forward", "convolution 3×3, gradient by weights", "other", "of bound"] {
            #expect(result.output.contains(text))
        }
        let object = try object(result.output.split(separator: "\n").last ?? "")
        let rows = try #require(object["profile"] as? [[String: Any]])
        let share = rows.reduce(0) { $0 + ($1["share"] as? Double ?? .nan) }
        #expect(abs(share - 1) < 1e-9)
        #expect(rows.last?["operation"] as? String == "other")
        #expect(rows.allSatisfy { ($0["seconds"] as? Double ?? -1) >= 0 })
        // Every multiply-add of the step is some kernel's.
        let counted = rows.reduce(0) { $0 + ($1["multiply_adds"] as? Int ?? 0) }
        #expect(counted == object["multiply_adds"] as? Int)
    }

    @Test("kernels are measured at the shapes of three stages, against the bounds of this machine")
    func kernels() async throws {
        let result = try await Command.run(
            ["bench", "--work", "kernels", "--channels", "8", "--size", "16"], in: TemporaryFolder())
        try #require(result.status == 0, "\(result.error)")
        let object = try object(result.output)
        let rows = try #require(object["kernels"] as? [[String: Any]])
        #expect(Set(rows.compactMap { $0["channels"] as? Int }) == [8, 16, 32])
        #expect(rows.contains { $0["kernel"] as? String == "convolution 3×3" && $0["pass"] as? String == "forward" })
        #expect(rows.allSatisfy { ($0["of_bound"] as? Double ?? 0) > 0 })
        #expect(try #require(object["cache_triad_gbs"] as? Double) > 0)
    }

    @Test("an all-reduce is measured beside the loopback, whatever the number of processes", arguments: [1, 2, 3])
    func allReduce(_ workers: Int) async throws {
        let result = try await Command.run(
            ["bench", "--work", "allreduce", "--workers", "\(workers)", "--mib", "1", "--steps", "2"],
            in: TemporaryFolder())
        try #require(result.status == 0, "\(result.error)")
        let object = try object(result.output)
        #expect(object["workers"] as? Int == workers)
        #expect(object["steps"] as? Int == 2)
        #expect(try #require(object["seconds_min"] as? Double) > 0)
        #expect(try #require(object["loopback_gbs"] as? Double) > 0)
        let sent = try #require(object["bytes_per_worker"] as? Double)
        #expect(sent == 2 * Double(1 << 20) * Double(workers - 1) / Double(workers))
    }

    @Test("workers that sleep instead of computing go through the same protocol", arguments: ["weights", "evaluate"])
    func standIn(_ work: String) async throws {
        let result = try await Command.run(
            [
                "bench", "--work", work, "--workers", "3", "--batch", "64", "--channels", "4", "--cells", "1",
                "--stand-in", "0.05", "--steps", "2",
            ], in: TemporaryFolder())
        try #require(result.status == 0, "\(result.error)")
        let object = try object(result.output)
        // An evaluation of a batch takes that long on one worker, and three share it.
        #expect(try #require(object["seconds_min"] as? Double) >= (work == "weights" ? 0.05 : 0.05 / 3 * 0.9))
        #expect(try #require(object["coordinator_cpu_seconds"] as? Double) > 0)
        #expect(try #require(object["workers_cpu_seconds"] as? Double) > 0)
    }

    private func object(_ text: some StringProtocol) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    private func check(_ result: Command.Result, work: String) throws {
        try #require(result.status == 0, "\(result.error)")
        #expect(result.output.filter { $0 == "\n" }.count == 1)
        let object = try object(result.output)
        #expect(object["work"] as? String == work)
        let minimum = try #require(object["seconds_min"] as? Double)
        let median = try #require(object["seconds_median"] as? Double)
        let gflops = try #require(object["gflops"] as? Double)
        let peak = try #require(object["fma_peak_gflops"] as? Double)
        #expect(minimum > 0 && minimum <= median)
        #expect(gflops > 0 && peak > 1)
        #expect(try #require(object["peak_rss_mib"] as? Int) > 1)
    }
}
