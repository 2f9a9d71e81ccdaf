#if os(Linux)
    import Foundation
    import TestSupport
    import Testing

    /// Real processes: what is lost, what is strange, and what is on other hosts.
    @Suite struct ClusterCommandTests {
        /// Ids of the processes that a process started, from /proc.
        private static func children(of parent: Int32) -> [Int32] {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return names.compactMap { Int32($0) }.filter { id in
                guard let stat = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8) else { return false }
                // The name in parentheses may hold anything; the parent is the second field behind it.
                let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
                return fields.count > 2 && Int32(fields[2]) == parent
            }
        }

        /// Waits until a condition holds, looking every 10 ms; false when it never did in a minute.
        private static func wait(until condition: () -> Bool) -> Bool {
            let deadline = ContinuousClock.now + .seconds(60)
            while !condition() {
                if ContinuousClock.now > deadline { return false }
                poll(nil, 0, 10)
            }
            return true
        }

        private static func isTraining(_ run: String) -> Bool {
            (try? String(contentsOfFile: run + "/log.jsonl", encoding: .utf8))?.contains("half_step") == true
        }

        private let longSearch = ["--epochs", "1000", "--workers", "2"]

        @Test("a local worker that is killed is replaced, and no process is left in the end")
        func killedWorker() async throws {
            let images = try SmallImages()
            let folder = try TemporaryFolder()
            let run = folder("run")
            let workers = Box<Set<Int32>>([])
            let result = try await Command.run(
                ["search"] + images.searchOptions + longSearch + ["--output", run], in: folder
            ) { search in
                guard Self.wait(until: { Self.isTraining(run) }) else { return }
                let first = Set(Self.children(of: search))
                if let victim = first.first { kill(victim, SIGKILL) }
                _ = Self.wait(until: { Set(Self.children(of: search)).union(first).count == 3 })
                workers.set(Set(Self.children(of: search)).union(first))
                kill(search, SIGINT)
            }
            #expect(workers.get().count == 3)
            #expect(result.status == 0, "\(result.error)")
            #expect(result.error.contains("lost: its process ended (signal 9)"), "\(result.error)")
            for worker in workers.get() { #expect(Self.wait { kill(worker, 0) != 0 }, "worker \(worker) is left") }
            #expect(!FileManager.default.fileExists(atPath: run + "/summary.json"))
        }

        @Test("a local worker that is killed while criteria are compared changes nothing in their table")
        func killedInComparison() async throws {
            let images = try SmallImages()
            let folder = try TemporaryFolder()
            var result = try await Command.run(
                ["search"] + images.searchOptions + ["--epochs", "0", "--workers", "0", "--output", folder("search")],
                in: folder)
            try #require(result.status == 0, "\(result.error)")
            func select(_ workers: Int, _ disturb: (@Sendable (Int32) -> Void)? = nil) async throws -> Command.Result {
                try await Command.run(
                    [
                        "select", "--supernet", folder("search/supernet.safetensors"), "--data", images.folder.path,
                        "--batch", "16", "--shards", "4", "--strength-images", "32", "--workers", "\(workers)",
                        "--output",
                        folder("\(workers)"),
                    ] + ["strength", "removal", "first-order"].flatMap { ["--criterion", $0] }, in: folder,
                    disturb: disturb)
            }
            result = try await select(0)
            try #require(result.status == 0, "\(result.error)")
            let log = folder("2/log.jsonl")
            let isKilled = Box(false)
            result = try await select(2) { process in
                let isComparing = Self.wait {
                    (try? String(contentsOfFile: log, encoding: .utf8))?.contains("\"evaluations\"") == true
                }
                guard isComparing, let victim = Self.children(of: process).first else { return }
                isKilled.set(kill(victim, SIGKILL) == 0)
            }
            try #require(result.status == 0, "\(result.error)")
            #expect(isKilled.get() && result.error.contains("lost: its process ended (signal 9)"), "\(result.error)")
            #expect(
                try String(contentsOfFile: folder("2/criteria.csv"), encoding: .utf8)
                    == String(contentsOfFile: folder("0/criteria.csv"), encoding: .utf8))
        }

        @Test("when the search itself is killed, its workers end by themselves")
        func killedSearch() async throws {
            let images = try SmallImages()
            let folder = try TemporaryFolder()
            let run = folder("run")
            let workers = Box<[Int32]>([])
            let result = try await Command.run(
                ["search"] + images.searchOptions + longSearch + ["--output", run], in: folder
            ) { search in
                guard Self.wait(until: { Self.isTraining(run) }) else { return }
                workers.set(Self.children(of: search))
                kill(search, SIGKILL)
            }
            #expect(result.status == SIGKILL && workers.get().count == 2)
            for worker in workers.get() { #expect(Self.wait { kill(worker, 0) != 0 }, "worker \(worker) is left") }
        }

        @Test("an interrupt ends a search and its workers, and the search can go on")
        func interrupted() async throws {
            let images = try SmallImages()
            let folder = try TemporaryFolder()
            let run = folder("run")
            let workers = Box<[Int32]>([])
            let result = try await Command.run(
                ["search"] + images.searchOptions + longSearch + ["--output", run], in: folder
            ) { search in
                guard Self.wait(until: { Self.isTraining(run) }) else { return }
                workers.set(Self.children(of: search))
                kill(search, SIGINT)
            }
            #expect(result.status == 0, "\(result.error)")
            #expect(result.error.contains("--resume"))
            #expect(workers.get().count == 2)
            for worker in workers.get() { #expect(Self.wait { kill(worker, 0) != 0 }, "worker \(worker) is left") }
        }

        @Test("workers on other hosts find the digest of one process")
        func namespaces() async throws {
            let images = try SmallImages()
            let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
            let result = try await Command.run(
                ["2"] + images.searchOptions, in: TemporaryFolder(),
                environment: ["OSTR": Command.executable.path, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"],
                program: root.appendingPathComponent("cluster/netns"))
            #expect(result.status == 0, "\(result.error)")
            #expect(result.output.contains("equal digests on 2 hosts and in one process"))
        }
    }

    /// A value that two threads share.
    private final class Box<Value: Sendable>: @unchecked Sendable {
        // The lock guards every access.
        private let lock = NSLock()
        private var value: Value
        init(_ value: Value) { self.value = value }
        func get() -> Value { lock.withLock { value } }
        func set(_ new: Value) { lock.withLock { value = new } }
    }
#endif
