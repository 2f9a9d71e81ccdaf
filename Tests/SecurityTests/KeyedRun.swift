#if os(Linux)
    import Foundation
    import TestSupport
    import Testing

    /// A run over TCP on loopback, with the keys it needs, and the digest that an undisturbed run has.
    struct KeyedRun {
        let folder: TemporaryFolder
        let images: SmallImages
        let port: UInt16
        var endpoint: String { "tcp://127.0.0.1:\(port)" }

        /// Keys of the coordinator and of three workers; the first two are on the list.
        init() async throws {
            folder = try TemporaryFolder()
            images = try SmallImages()
            port = try freePort()
            let keys = ["coordinator", "worker-1", "worker-2", "worker-3"]
            let result = try await Command.run(["keygen"] + keys, in: folder)
            try #require(result.status == 0, "\(result.error)")
            let lines = result.output.split(separator: "\n").map { "\($0)\n" }
            try folder.write(Array(lines[0].utf8), to: "coordinator.pub")
            try folder.write(Array(lines[1...2].joined().utf8), to: "workers.allow")
            try folder.write(Array(lines[3].utf8), to: "third.allow")
        }

        func coordinator(workers: Int = 2, _ options: [String] = []) throws -> RunningCommand {
            let security = options.contains("--insecure") ? [] : ["--key", "coordinator", "--allow", "workers.allow"]
            return try RunningCommand(
                [
                    "coordinator", "--bind", endpoint, "--workers", "\(workers)", "--output", folder("run"),
                    "--join-timeout", "120",
                ] + security + images.searchOptions + options, in: folder)
        }

        func worker(_ key: String, _ options: [String] = []) throws -> RunningCommand {
            try RunningCommand(
                [
                    "worker", "--connect", endpoint, "--data", images.folder.path, "--key", key, "--server-key",
                    "coordinator.pub",
                ] + options, in: folder)
        }

        func openWorker(_ options: [String] = [], images other: SmallImages? = nil) throws -> RunningCommand {
            let data = (other ?? images).folder.path
            return try RunningCommand(
                ["worker", "--connect", endpoint, "--data", data, "--insecure"] + options, in: folder)
        }

        /// Whether the coordinator listens.
        func isListening() -> Bool { wait(60) { (try? RawConnection(port: port)) != nil } }

        /// The digest of the run, once the coordinator has ended well.
        func digest(_ coordinator: RunningCommand) throws -> String {
            #expect(coordinator.status() == 0, "\(coordinator.error)")
            return try KeyedRun.digest(folder("run"))
        }

        /// The digest of the same search in one process without a network.
        func undisturbed() async throws -> String {
            let result = try await Command.run(
                ["search", "--workers", "0", "--output", folder("alone")] + images.searchOptions, in: folder)
            try #require(result.status == 0, "\(result.error)")
            return try KeyedRun.digest(folder("alone"))
        }

        static func digest(_ run: String) throws -> String {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: run + "/summary.json"))
            let summary = try #require(try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
            return try #require(summary["digest"] as? String)
        }
    }
#endif
