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

    @Test("with several workers the same steps run in worker processes", arguments: ["weights", "evaluate"])
    func cluster(_ work: String) async throws {
        let result = try await Command.run(
            [
                "bench", "--work", work, "--channels", "4", "--cells", "1", "--batch", "32", "--steps", "2",
                "--workers", "2",
            ], in: TemporaryFolder())
        try check(result, work: work)
    }

    private func check(_ result: Command.Result, work: String) throws {
        try #require(result.status == 0, "\(result.error)")
        #expect(result.output.filter { $0 == "\n" }.count == 1)
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
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
