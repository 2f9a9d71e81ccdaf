#if os(Linux)
    import Foundation
    import Protocol
    import TestSupport
    import Testing

    /// Whatever comes to a coordinator's port: it is refused with a line, and the run's numbers do not change.
    @Suite(.serialized) struct StrangerTests {
        /// More than a coordinator of this size needs, and far less than what strangers claim.
        private let memory = 400 << 20

        private static func random(_ count: Int, seed: UInt64) -> [UInt8] {
            var state = seed
            return (0..<count).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(truncatingIfNeeded: state >> 33)
            }
        }

        /// Lines of a log that have all words.
        private static func lines(_ text: String, _ words: String...) -> [Substring] {
            text.split(separator: "\n").filter { line in words.allSatisfy { line.contains($0) } }
        }

        @Test(
            "strangers at a port with keys are cut off with one line each, and the run's digest is the undisturbed one")
        func strangers() async throws {
            let run = try await KeyedRun()
            let expected = try await run.undisturbed()
            let coordinator = try run.coordinator()
            try #require(run.isListening())
            let huge = RawPeer.header(0, 2 << 30)
            let sent: [(host: UInt8, bytes: [UInt8])] = [
                (11, Array("GET / HTTP/1.1\r\nHost: ostr\r\n\r\n".utf8)),
                (12, Self.random(5000, seed: 12)),
                (13, RawPeer.greeting("NULL") + huge),
                (14, RawPeer.greeting("CURVE") + huge + Self.random(500, seed: 14)),
                (
                    15,
                    RawPeer.greeting("CURVE") + RawPeer.header(4, 200) + [5] + Array("HELLO".utf8)
                        + Self.random(194, seed: 15)
                ),
                (16, RawPeer.greeting("PLAIN")),
                // Says nothing at all, and half a greeting.
                (17, []), (18, Array(RawPeer.greeting("CURVE").prefix(20))),
            ]
            let peers = try sent.map { try RawConnection(port: run.port, from: $0.host) }
            // Where somebody was who is gone again cannot be asked: for the coordinator to see them all.
            poll(nil, 0, 500)
            for (peer, (_, bytes)) in zip(peers, sent) { peer.send(bytes) }
            for (peer, (host, _)) in zip(peers, sent) {
                #expect(peer.isClosed(within: .seconds(20)), "127.0.0.\(host) was not cut off")
            }
            #expect(
                wait(20) {
                    sent.allSatisfy { Self.lines(coordinator.error, "refused", "127.0.0.\($0.host):").count == 1 }
                }, "\(coordinator.error)")
            let peak = coordinator.peakMemory
            #expect(peak > 0 && peak < memory)

            let workers = try ["worker-1", "worker-2"].map { try run.worker($0) }
            // While they work one stranger comes again and again, and is gone at once.
            for _ in 0..<300 {
                guard let peer = try? RawConnection(port: run.port, from: 19) else { break }
                peer.send([1, 2, 3])
            }
            #expect(try run.digest(coordinator) == expected)
            for worker in workers { #expect(worker.status() == 0, "\(worker.error)") }
            let log = coordinator.error
            let flood = Self.lines(log, "127.0.0.19:").count + Self.lines(log, "gone at once").count
            #expect((1...6).contains(flood), "\(log)")
        }

        @Test("without keys, what is no message of this run is refused with what was found and what is expected")
        func messages() async throws {
            let run = try await KeyedRun()
            let expected = try await run.undisturbed()
            let coordinator = try run.coordinator(["--insecure"])
            try #require(run.isListening())
            func control(_ message: ControlMessage, run: UInt64 = 0x1234) throws -> [[UInt8]] {
                try ControlCodec.encode(ControlEnvelope(run: run, worker: 77, message: message))
            }
            func hello(build: String, digest: UInt64) -> ControlMessage {
                .hello(
                    Hello(
                        build: build, name: "stranger", host: "h", pid: 1, numericDigest: digest,
                        meshEndpoint: "tcp://127.0.0.1:9"))
            }
            let status = ControlMessage.status(
                WorkerStatus(phase: .ready, generation: 1, appliedHalfSteps: 3, tasks: []))
            let truncated = try control(.failure(reason: String(repeating: "x", count: 100)))[0].dropLast(50)
            let sent: [(host: UInt8, frames: [[UInt8]], words: [String])] = [
                (21, [Self.random(1000, seed: 21)], ["malformed"]), (22, [Array(truncated)], ["cut short"]),
                (23, [[8, 99]], ["version 99", "\(WireLimits.protocolVersion) is spoken here"]),
                (24, Array(repeating: [1], count: 1000), ["1001", "at most \(WireLimits.parts)"]),
                (
                    25, Array(repeating: [UInt8](repeating: 1, count: 100_000), count: 3),
                    ["at most \(WireLimits.message)"]
                ),
                (26, try control(status), ["run 1234", "this is run"]),
            ]
            var peers: [RawPeer] = []
            for (host, frames, _) in sent {
                let peer = try RawPeer(port: run.port, host: host)
                #expect(peer.join(), "\(coordinator.error)")
                peer.send(frames)
                peers.append(peer)
            }
            let huge = try RawPeer(port: run.port, host: 27)
            huge.join()
            huge.connection.send(RawPeer.header(0, 2 << 30) + Self.random(1000, seed: 27))
            #expect(huge.connection.isClosed(within: .seconds(20)))
            #expect(
                wait(20) { sent.allSatisfy { Self.lines(coordinator.error, "127.0.0.\($0.host)").count == 1 } },
                "\(coordinator.error)")
            for (host, _, words) in sent {
                let line = Self.lines(coordinator.error, "refused", "127.0.0.\(host)").first ?? ""
                for word in words { #expect(line.contains(word), "\(line)") }
            }
            #expect(
                wait(20) {
                    Self.lines(coordinator.error, "refused", "127.0.0.27", "\(WireLimits.frame)").count == 1
                }, "\(coordinator.error)")
            // The speaker of another version is told so.
            let answer = peers[2].connection.receive(within: .seconds(1)).bytes
            #expect(String(decoding: answer, as: UTF8.self).contains("protocol version 99"))

            let otherBuild = try RawPeer(port: run.port, host: 28)
            otherBuild.join()
            otherBuild.send(try control(hello(build: "0.0.1", digest: 5), run: 0))
            let buildAnswer = String(
                decoding: otherBuild.connection.receive(within: .seconds(2)).bytes, as: UTF8.self)
            #expect(buildAnswer.contains("0.0.1") && buildAnswer.contains(Build.version), "\(buildAnswer)")
            #expect(coordinator.peakMemory < memory)

            let first = try run.openWorker()
            #expect(wait(60) { coordinator.error.contains("joined (1)") }, "\(coordinator.error)")
            let otherNumbers = try RawPeer(port: run.port, host: 29)
            otherNumbers.join()
            otherNumbers.send(try control(hello(build: Build.version, digest: 0xabc), run: 0))
            let numbersAnswer = String(
                decoding: otherNumbers.connection.receive(within: .seconds(2)).bytes, as: UTF8.self)
            #expect(numbersAnswer.contains("0000000000000abc"), "\(numbersAnswer)")
            let otherImages = try SmallImages(count: 288)
            let other = try run.openWorker(["--name", "other-images"], images: otherImages)
            #expect(other.status() == 78)
            #expect(
                Self.lines(other.error, "images differ").first?.matches(of: /[0-9a-f]{64}/).count == 2, "\(other.error)"
            )
            #expect(
                Self.lines(coordinator.error, "other-images", "images differ").count == 1, "\(coordinator.error)")

            let second = try run.openWorker()
            #expect(try run.digest(coordinator) == expected)
            for worker in [first, second] { #expect(worker.status() == 0, "\(worker.error)") }
        }
    }
#endif
