#if os(Linux)
    import Foundation
    import TestSupport
    import Testing

    /// The training of a network goes on whatever happens, as a search does.
    @Suite(.serialized)
    struct TrainingFaultTests {
        private static let options = [
            "--architecture",
            "|nor_conv_3x3~0|+|avg_pool_3x3~0|nor_conv_1x1~1|+|skip_connect~0|none~1|nor_conv_3x3~2|", "--dataset",
            "mnist", "--channels", "4", "--cells", "1", "--epochs", "20", "--batch", "32", "--shards", "2",
        ]

        @Test("a training loses a worker, is interrupted and goes on, with the digest of one that nothing disturbed")
        func disturbed() throws {
            let data = ["--data", try FaultCluster.images.get().folder.path]
            let folder = try TemporaryFolder()
            var processes: [RunningProcess] = []
            defer { for process in processes { process.end() } }
            func start(_ name: String, _ arguments: [String]) throws -> RunningProcess {
                let process = try RunningProcess(
                    FaultCluster.programs.appendingPathComponent("ostr"), arguments, name: name, folder: folder.path)
                processes.append(process)
                return process
            }
            func digest(_ run: String) throws -> String? {
                let bytes = try Data(contentsOf: URL(fileURLWithPath: folder(run) + "/summary.json"))
                return (try JSONSerialization.jsonObject(with: bytes) as? [String: Any])?["digest"] as? String
            }
            func steps() -> Int {
                let log = (try? String(contentsOfFile: folder("run") + "/log.jsonl", encoding: .utf8)) ?? ""
                return log.split(separator: "\n").count { $0.contains("\"event\":\"half_step\"") }
            }

            let whole = try start(
                "whole", ["train", "--workers", "0", "--output", folder("whole")] + Self.options + data)
            #expect(whole.status(within: 120) == 0, "\(whole.output)")

            let endpoint = "ipc://\(folder.path)/c"
            func worker(_ name: String) throws -> RunningProcess {
                try start(name, ["worker", "--connect", endpoint, "--name", name] + data)
            }
            let first = try start(
                "first",
                [
                    "train", "--bind", endpoint, "--workers", "2", "--checkpoint-every", "1000", "--output",
                    folder("run"),
                ]
                    + Self.options + data)
            let lost = try worker("a")
            let kept = try worker("b")
            #expect(wait(60) { steps() >= 10 })
            lost.send(SIGKILL)
            #expect(wait(60) { steps() >= 30 })
            first.send(SIGTERM)
            #expect(first.status(within: 30) == 0, "\(first.output)")
            #expect(kept.status(within: 10) == 75, "\(kept.output)")
            #expect(first.output.contains("worker a lost"), "\(first.output)")
            let before = steps()
            #expect((30..<160).contains(before), "it was interrupted on its way")

            let second = try start(
                "second", ["train", "--resume", folder("run"), "--bind", endpoint, "--workers", "1"])
            _ = try worker("c")
            #expect(second.status(within: 120) == 0, "\(second.output)")
            #expect(steps() == 160)
            #expect(try digest("run") == digest("whole"))
            #expect(!FileManager.default.fileExists(atPath: folder("run") + "/checkpoints"))
        }
    }
#endif
