#if os(Linux)
    import Foundation
    import Synchronization
    import TestSupport
    import Testing

    /// Real processes with wrong keys, none, or somebody else's.
    @Suite(.serialized) struct KeyTests {
        @Test("wrong keys, no keys and keys in use are refused, and the run's digest is the undisturbed one")
        func wrongKeys() async throws {
            let run = try await KeyedRun()
            let expected = try await run.undisturbed()
            let coordinator = try run.coordinator()
            try #require(run.isListening())
            let short = ["--connect-timeout", "4"]

            let unlisted = try run.worker("worker-3", short)
            let open = try run.openWorker(short)
            let misled = try RunningCommand(
                [
                    "worker", "--connect", run.endpoint, "--key", "worker-1", "--server-key", "third.allow",
                ] + short, in: run.folder)
            let first = try run.worker("worker-1")
            #expect(wait(60) { coordinator.error.contains("worker worker-1 joined (1)") }, "\(coordinator.error)")
            let second = try run.worker("worker-1", ["--name", "twin"])

            #expect(unlisted.status() == 77)
            let key = try String(contentsOfFile: run.folder("third.allow"), encoding: .utf8).prefix(64)
            #expect(unlisted.error.contains(key) && unlisted.error.contains("--allow"), "\(unlisted.error)")
            let refusals = coordinator.error.split(separator: "\n").filter { $0.contains(key) }
            #expect(refusals.count == 1 && refusals[0].contains("workers.allow"), "\(coordinator.error)")
            #expect(open.status() == 69 && open.error.contains(run.endpoint), "\(open.error)")
            #expect(misled.status() == 69 && misled.error.contains("--server-key"), "\(misled.error)")
            #expect(second.status() == 78 && second.error.contains("in use"), "\(second.error)")
            #expect(coordinator.error.contains("refused a second worker with the key of worker-1"))
            #expect(first.isRunning && coordinator.isRunning)

            let other = try run.worker("worker-2")
            #expect(try run.digest(coordinator) == expected)
            for worker in [first, other] { #expect(worker.status() == 0, "\(worker.error)") }
        }

        @Test("the list is read again on SIGHUP: a new key gets in, a struck one is out, a bad list changes nothing")
        func reload() async throws {
            let run = try await KeyedRun()
            let expected = try await run.undisturbed()
            let list = run.folder("workers.allow")
            let lines = try String(contentsOfFile: list, encoding: .utf8).split(separator: "\n").map { "\($0)\n" }
            func rewrite(_ text: String) throws {
                try text.write(toFile: list, atomically: false, encoding: .utf8)
            }
            try rewrite(lines[0])
            let coordinator = try run.coordinator()
            let first = try run.worker("worker-1")
            #expect(wait(60) { coordinator.error.contains("joined (1)") }, "\(coordinator.error)")
            #expect(try run.worker("worker-2").status() == 77)

            try rewrite("# a comment\n\(lines[1])nonsense\n")
            kill(coordinator.id, SIGHUP)
            #expect(wait(20) { coordinator.error.contains("workers.allow, line 3") }, "\(coordinator.error)")
            #expect(first.isRunning)

            try rewrite(lines[1])
            kill(coordinator.id, SIGHUP)
            #expect(first.status() == 78 && first.error.contains("list"), "\(first.error)")
            let second = try run.worker("worker-2")
            #expect(wait(60) { coordinator.error.contains("worker worker-2 joined") }, "\(coordinator.error)")

            try rewrite(lines.joined())
            kill(coordinator.id, SIGHUP)
            #expect(wait(20) { coordinator.error.contains("workers.allow") })
            var again = try run.worker("worker-1")
            // The signal and the newcomer race.
            while wait(2, until: { !again.isRunning }), again.status() == 77 { again = try run.worker("worker-1") }
            #expect(try run.digest(coordinator) == expected)
            for worker in [again, second] { #expect(worker.status() == 0, "\(worker.error)") }
        }

        @Test("with keys nothing travels in plain, which it does without", arguments: [true, false])
        func plainText(keys: Bool) async throws {
            let run = try await KeyedRun()
            let coordinator = try run.coordinator(workers: 1, keys ? [] : ["--insecure"])
            try #require(run.isListening())
            let wire = try Wiretap(to: run.port)
            let address = ["--connect", "tcp://127.0.0.1:\(wire.port)", "--data", run.images.folder.path]
            let security = keys ? ["--key", "worker-1", "--server-key", "coordinator.pub"] : ["--insecure"]
            let worker = try RunningCommand(["worker", "--name", "plain-text"] + address + security, in: run.folder)
            #expect(coordinator.status() == 0 && worker.status() == 0, "\(coordinator.error)\(worker.error)")
            let text = String(decoding: wire.captured, as: UTF8.self)
            #expect(text.utf8.count > 10_000)
            for word in ["plain-text", "datasetDigest", "learning"] {
                #expect(text.contains(word) == !keys, "\(word)")
            }
        }

        @Test("a run started over ssh makes its own keys, leaves none behind, and has the undisturbed digest")
        func launcher() async throws {
            let run = try await KeyedRun()
            let expected = try await run.undisturbed()
            // In place of ssh: runs the command here.
            try run.folder.write(Array("#!/bin/sh\nshift\nexec sh -c \"$1\"\n".utf8), to: "shell")
            chmod(run.folder("shell"), 0o700)
            let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
            let temporary = try TemporaryFolder()
            let result = try await Command.run(
                ["--bind", "127.0.0.1:\(run.port)", "--output", run.folder("run")] + run.images.searchOptions
                    + ["first:2", "second"],
                in: run.folder,
                environment: [
                    "OSTR": Command.executable.path, "OSTR_REMOTE": Command.executable.path,
                    "OSTR_DATA": run.images.folder.path, "OSTR_SSH": run.folder("shell"), "TMPDIR": temporary.path,
                ],
                program: root.appendingPathComponent("cluster/ssh"))
            #expect(result.status == 0, "\(result.error)")
            #expect(result.error.contains("worker first-2 joined") && result.error.contains("worker second-1 joined"))
            #expect(try KeyedRun.digest(run.folder("run")) == expected)
            #expect(wait(20) { temporary.contents.isEmpty }, "\(temporary.contents)")
        }

        @Test("keys that others can read, and lists that others can write, stop a process before it begins")
        func exposed() async throws {
            let run = try await KeyedRun()
            chmod(run.folder("worker-1"), 0o644)
            let worker = try run.worker("worker-1")
            #expect(worker.status() == 77 && worker.error.contains("chmod 600 worker-1"), "\(worker.error)")
            chmod(run.folder("workers.allow"), 0o666)
            let coordinator = try run.coordinator()
            #expect(coordinator.status() == 77 && coordinator.error.contains("chmod go-w"), "\(coordinator.error)")
            #expect(!FileManager.default.fileExists(atPath: run.folder("run")))
        }

        @Test("keygen overwrites nothing, and shows the lines of keys that exist")
        func keygen() async throws {
            let folder = try TemporaryFolder()
            let made = try await Command.run(["keygen", "a", "b"], in: folder)
            #expect(made.status == 0 && made.output.split(separator: "\n").count == 2, "\(made.error)")
            let shown = try await Command.run(["keygen", "--show", "a", "b"], in: folder)
            #expect(shown.output == made.output)
            #expect(made.output.firstMatch(of: /^[0-9a-f]{64} a\n/) != nil, "\(made.output)")
            let again = try await Command.run(["keygen", "a"], in: folder)
            again.expectFailure(73, ["a exists", "never overwritten"])
            #expect(try await Command.run(["keygen", "--show", "a", "b"], in: folder).output == made.output)
        }

        @Test("half a pair of keys, and keys for a run without them, are mistakes")
        func options() async throws {
            let folder = try TemporaryFolder()
            let images = try SmallImages()
            for (options, words) in [
                (["--key", "k"], ["--allow"]), (["--allow", "l"], ["--key"]),
                (["--key", "k", "--allow", "l", "--insecure"], ["--insecure", "--key"]),
                ([], ["without keys", "keygen", "--insecure"]),
            ] {
                let result = try await Command.run(
                    ["coordinator", "--bind", "tcp://127.0.0.1:0", "--workers", "1", "--output", folder("run")]
                        + images.searchOptions + options, in: folder)
                result.expectFailure(64, words)
            }
            #expect(folder.contents.isEmpty)
        }
    }

    /// A link between a worker and a coordinator on which somebody listens.
    private final class Wiretap: Sendable {
        let port: UInt16
        private let bytes = Mutex<[UInt8]>([])
        private let listener: Int32

        init(to target: UInt16) throws {
            let port = try freePort()
            self.port = port
            let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            self.listener = listener
            try #require(Wiretap.with(port) { bind(listener, $0, $1) } == 0 && listen(listener, 16) == 0)
            Thread { [weak self] in
                while true {
                    let client = accept(listener, nil, nil)
                    guard client >= 0, let self else { return }
                    let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
                    guard Wiretap.with(target, { connect(server, $0, $1) }) == 0 else { return }
                    for (from, to) in [(client, server), (server, client)] {
                        Thread { self.copy(from, to) }.start()
                    }
                }
            }.start()
        }

        deinit { shutdown(listener, Int32(SHUT_RDWR)) }

        var captured: [UInt8] { bytes.withLock { $0 } }

        private func copy(_ from: Int32, _ to: Int32) {
            var buffer = [UInt8](repeating: 0, count: 65536)
            while true {
                let count = recv(from, &buffer, buffer.count, 0)
                if count <= 0 { break }
                bytes.withLock { $0 += buffer[..<count] }
                var sent = 0
                while sent < count {
                    let part = buffer[sent..<count].withUnsafeBytes {
                        send(to, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                    }
                    if part <= 0 { break }
                    sent += part
                }
            }
            shutdown(to, Int32(SHUT_RDWR))
        }

        private static func with(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            return withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
    }
#endif
