import Crypto
import Foundation
import NASBench201
import Testing

@Suite("The table of NAS-Bench-201")
struct BenchmarkTests {
    private static let metrics: [Benchmark.Metric] = Benchmark.Split.allCases.flatMap { split in
        Benchmark.Dataset.allCases.map { Benchmark.Metric($0, split) }
    }

    @Test("every figure is the published one: the table printed as CSV has the CSV's checksum")
    func checksum() {
        var csv =
            "index,architecture,cifar10_valid,cifar100_valid,imagenet16_120_valid,cifar10_test,cifar100_test,"
            + "imagenet16_120_test,params_millions\r\n"
        for entry in Benchmark.entries {
            let accuracies = Self.metrics.map { String(format: "%.3f", entry.accuracy($0)) }
            let parameters = String(format: "%.6f", entry.parametersMillions)
            csv += "\(entry.index),\(entry.architecture),\(accuracies.joined(separator: ",")),\(parameters)\r\n"
        }
        let digest = SHA256.hash(data: Data(csv.utf8)).map { String(format: "%02x", $0) }.joined()
        #expect(digest == "a7b021c72208614a55bc38abca062c25b140eea622892a51f0c7b3ba3914f86c")
    }

    private func entry(_ text: String) throws -> Benchmark.Entry {
        Benchmark.entry(for: try Architecture(parsing: text))
    }

    @Test("a known architecture has its published figures and ranks")
    func known() throws {
        let entry = try entry(
            "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|")
        #expect(entry.index == 1)
        #expect(entry.accuracy(.init(.cifar10, .validation)) == 90.769)
        #expect(entry.accuracy(.cifar10Test) == 93.66)
        #expect(entry.accuracy(.init(.cifar100, .validation)) == 69.827)
        #expect(entry.accuracy(.init(.cifar100, .test)) == 70.293)
        #expect(entry.accuracy(.init(.imageNet16, .validation)) == 44.489)
        #expect(entry.accuracy(.init(.imageNet16, .test)) == 44.033)
        #expect(entry.parametersMillions == 0.802426)
        #expect(Benchmark.rank(of: entry.architecture) == 258)
        #expect(Benchmark.rank(of: entry.architecture, by: .init(.cifar100, .validation)) == 915)
    }

    @Test("the best is rank 1, and all that are equally bad share the better rank")
    func ends() throws {
        let best = try entry(
            "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|")
        #expect(best.accuracy(.cifar10Test) == 94.373)
        #expect(Benchmark.rank(of: best.architecture) == 1)
        for text in [
            "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
            "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|none~0|none~1|none~2|",
        ] {
            let entry = try entry(text)
            #expect(entry.accuracy(.cifar10Test) == 10)
            #expect(Benchmark.rank(of: entry.architecture) == 15_285)
        }
    }

    @Test("every architecture is there once, and its text is read back")
    func complete() throws {
        let entries = Benchmark.entries
        #expect(entries.map(\.index) == Array(0..<Benchmark.count))
        #expect(Set(entries.map(\.architecture)).count == 15_625)
        for entry in entries.lazy.filter({ $0.index % 100 == 0 }) {
            #expect(try Architecture(parsing: entry.architecture.description) == entry.architecture)
        }
    }

    @Test("ranks agree with sorting the whole column", arguments: metrics)
    func ranks(metric: Benchmark.Metric) {
        let entries = Benchmark.entries
        let sorted = entries.map { $0.accuracy(metric) }.sorted(by: >)
        for entry in entries.lazy.filter({ $0.index % 1000 == 7 }) {
            let first = sorted.firstIndex(of: entry.accuracy(metric))
            #expect(Benchmark.rank(of: entry.architecture, by: metric) == first.map { $0 + 1 })
        }
    }
}
