#if os(Linux)
    import Foundation
    import TestSupport
    import Testing

    /// A coordinator and workers as processes of their own, joined by socket files or TCP on the loopback.
    final class FaultCluster: @unchecked Sendable {
        // Used by one thread at a time: that of the test.
        static let images = Result { try SmallImages() }

        /// Steps of an epoch: 128 images, batches of 32.
        static let options = [
            "--dataset", "mnist", "--channels", "4", "--cells", "1", "--batch", "32", "--shards", "4",
            "--strength-images", "64",
        ]

        let folder: TemporaryFolder
        let run: String
        /// Of the search, without its data.
        let options: [String]
        var endpoint: String
        private var hasKeys = false
        private(set) var coordinator: RunningProcess?
        private(set) var workers: [RunningProcess] = []
        let data: String
        /// Of processes that are started from now on.
        var environment: [String: String] = [:]

        /// - Parameter options: beside the usual ones, or in their place.
        init(epochs: Int = 6, _ options: [String] = []) throws {
            folder = try TemporaryFolder()
            run = folder("run")
            self.options = FaultCluster.options + ["--epochs", "\(epochs)"] + options
            endpoint = "ipc://\(folder.path)/c"
            data = try FaultCluster.images.get().folder.path
        }

        deinit {
            for worker in workers { worker.end() }
            coordinator?.end()
        }

        static var programs: URL {
            let bundle = Bundle.allBundles.map(\.bundleURL).first { $0.pathExtension == "xctest" }
            let runner = URL(fileURLWithPath: ProcessInfo.processInfo.arguments[0]).resolvingSymlinksInPath()
            return (bundle ?? runner).deletingLastPathComponent()
        }

        var searchOptions: [String] { options + ["--data", data] }

        /// Makes a key for the coordinator, and one for each worker that may join: all go over TCP with keys from now on.
        func makeKeys(_ workers: [String]) throws {
            let keygen = try RunningProcess(
                FaultCluster.programs.appendingPathComponent("ostr"), ["keygen", "coordinator"] + workers,
                name: "keygen", folder: folder.path)
            try #require(keygen.status(within: 20) == 0, "\(keygen.output)")
            let lines = keygen.output.split(separator: "\n").map { "\($0)\n" }
            try folder.write(Array(lines[0].utf8), to: "coordinator.pub")
            try folder.write(Array(lines[1...].joined().utf8), to: "workers.allow")
            endpoint = "tcp://127.0.0.1:\(LinkProxy.freePort())"
            hasKeys = true
        }

        private var insecure: [String] { endpoint.hasPrefix("tcp") ? ["--insecure"] : [] }

        @discardableResult
        func startCoordinator(workers: Int, resume: Bool = false, _ more: [String] = []) throws -> RunningProcess {
            let what = resume ? ["--resume", run] : searchOptions + ["--output", run]
            let security = hasKeys ? ["--key", "coordinator", "--allow", "workers.allow"] : insecure
            let process = try RunningProcess(
                FaultCluster.programs.appendingPathComponent("ostr"),
                ["coordinator", "--bind", endpoint, "--workers", "\(workers)"] + security + what + more,
                name: "coordinator", folder: folder.path, environment: environment)
            coordinator = process
            return process
        }

        /// - Parameters:
        ///   - fault: for `faulty-worker`; nil for `ostr worker`.
        ///   - endpoint: where the coordinator is reached; nil for directly.
        @discardableResult
        func startWorker(
            _ name: String, fault: String? = nil, endpoint: String? = nil, data: String? = nil,
            mesh: (listens: Int, announced: Int)? = nil
        ) throws -> RunningProcess {
            let endpoint = endpoint ?? self.endpoint
            let security = hasKeys ? ["--key", name, "--server-key", "coordinator.pub"] : insecure
            let listening =
                mesh.map {
                    ["--mesh", "tcp://127.0.0.1:\($0.listens)", "--announce", "tcp://127.0.0.1:\($0.announced)"]
                }
                ?? []
            let common = ["--connect", endpoint, "--name", name, "--data", data ?? self.data]
            let process = try RunningProcess(
                FaultCluster.programs.appendingPathComponent(fault == nil ? "ostr" : "faulty-worker"),
                fault.map { [$0] + common + listening } ?? (["worker"] + common + security), name: name,
                folder: folder.path, environment: environment)
            workers.append(process)
            return process
        }

        /// Runs a bash script in namespaces of its own, as their root: `$0` is `ostr`, `$@` are the search's options.
        func runScript(_ script: String, namespaces: [String]) throws -> RunningProcess {
            try RunningProcess(
                URL(fileURLWithPath: "/usr/bin/unshare"),
                ["--user", "--map-root-user"] + namespaces + ["bash", "-c", script]
                    + [FaultCluster.programs.appendingPathComponent("ostr").path] + searchOptions,
                name: "script", folder: folder.path)
        }

        /// Gives up a worker that has ended.
        func forget(_ worker: RunningProcess) { workers.removeAll { $0 === worker } }

        // MARK: - What the run tells

        /// The log's lines so far.
        var log: [[String: Any]] {
            let text = (try? String(contentsOfFile: run + "/log.jsonl", encoding: .utf8)) ?? ""
            return text.split(separator: "\n").compactMap {
                try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
            }
        }

        func events(_ name: String) -> [[String: Any]] { log.filter { $0["event"] as? String == name } }

        var halfSteps: Int { events("half_step").count }

        func waitForHalfStep(_ count: Int, sourceLocation: SourceLocation = #_sourceLocation) throws {
            let isThere = wait(90) { halfSteps >= count || coordinator?.isRunning != true }
            try #require(
                isThere && halfSteps >= count, "\(coordinator?.output ?? "")", sourceLocation: sourceLocation)
        }

        func waitForSelection(sourceLocation: SourceLocation = #_sourceLocation) throws {
            let isThere = wait(120) { !events("evaluations").isEmpty || coordinator?.isRunning != true }
            try #require(isThere && !events("evaluations").isEmpty, sourceLocation: sourceLocation)
        }

        /// Whether the operation of every edge is decided, with which the search is complete but for the result's files.
        var isDecided: Bool { Set(events("edge_decided").compactMap { $0["edge"] as? Int }).count == 6 }

        var summary: [String: Any] {
            let bytes = (try? Data(contentsOf: URL(fileURLWithPath: run + "/summary.json"))) ?? Data()
            return (try? JSONSerialization.jsonObject(with: bytes) as? [String: Any]) ?? [:]
        }

        var counters: [String: Int] { summary["counters"] as? [String: Int] ?? [:] }

        /// The run ends in order, with the digest of one that nothing disturbed.
        func expectUndisturbedResult(
            within seconds: Double = 180, sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let status = coordinator?.status(within: seconds)
            try #require(status == 0, "\(coordinator?.output ?? "")", sourceLocation: sourceLocation)
            let digest = summary["digest"] as? String
            #expect(try digest == Reference.digest(options), sourceLocation: sourceLocation)
        }

        /// Waits until a worker is noticed as lost, and until a half-step is finished or an evaluation comes after that.
        /// - Returns: seconds of both since now.
        func recovery(
            of name: String, from start: ContinuousClock.Instant, sourceLocation: SourceLocation = #_sourceLocation
        ) throws -> (noticed: Double, goesOn: Double) {
            func isLost(_ line: [String: Any]) -> Bool {
                line["event"] as? String == "worker_lost" && line["worker"] as? String == name
            }
            try #require(
                wait(30) { log.contains(where: isLost) }, "\(name) is not noticed as lost",
                sourceLocation: sourceLocation)
            let noticed = (ContinuousClock.now - start) / .seconds(1)
            let goesOn = wait(60) {
                let log = log
                guard let place = log.lastIndex(where: isLost) else { return false }
                return log[place...].contains { ["half_step", "evaluations"].contains($0["event"] as? String) }
            }
            try #require(goesOn, "nothing is done after \(name) was lost", sourceLocation: sourceLocation)
            return (noticed, (ContinuousClock.now - start) / .seconds(1))
        }
    }

    /// What undisturbed runs give, each computed once, in one process.
    enum Reference {
        private static let lock = NSLock()
        private nonisolated(unsafe) static var digests: [[String]: String] = [:]

        static func digest(_ options: [String]) throws -> String {
            // The lock guards every access.
            lock.lock()
            defer { lock.unlock() }
            if let known = digests[options] { return known }
            let cluster = try FaultCluster()
            let process = try RunningProcess(
                FaultCluster.programs.appendingPathComponent("ostr"),
                ["search", "--workers", "0", "--output", cluster.run, "--data", cluster.data] + options,
                name: "reference",
                folder: cluster.folder.path)
            // Only to end one that hangs: a long run in one process takes minutes on a busy machine.
            try #require(process.status(within: 1200) == 0, "\(process.output)")
            let digest = try #require(cluster.summary["digest"] as? String)
            digests[options] = digest
            return digest
        }
    }

    /// Tests that take minutes are run by `script/test --all`.
    let runsLongTests = ProcessInfo.processInfo.environment["OSTR_LONG_TESTS"] != nil
#endif
