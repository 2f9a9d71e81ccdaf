#if os(Linux)
    import Foundation
    import Protocol
    import Search
    import Testing
    import Transport

    /// Rows 13 and 16 of the fault matrix: a worker that says what it likes, and does not listen.
    @Suite(.serialized) struct ForgedMessageTests {
        /// A worker that is played by the test. Used by one thread.
        private final class PlayedWorker {
            let key = UInt64.random(in: 1 ... .max)
            let context: MessagingContext
            private(set) var control: MessagingSocket?
            private(set) var run: UInt64 = 0

            /// Joins, without images: it is never ready.
            init(_ endpoint: String, name: String) throws {
                context = try MessagingContext()
                let control = try MessagingSocket(context, SocketConfiguration(.dealer))
                self.control = control
                try control.connect(Endpoint(endpoint))
                let hello = Hello(
                    build: Build.version, name: name, host: "here", pid: 1, numericDigest: NumericDigest.compute(),
                    meshEndpoint: "tcp://127.0.0.1:9")
                try say(.hello(hello))
                try #require(
                    wait(20) {
                        guard let message = try? control.receive(),
                            let envelope = try? ControlCodec.decode(message.frames), case .welcome = envelope.message
                        else { return false }
                        run = envelope.run
                        return true
                    })
            }

            func say(_ message: ControlMessage) throws {
                _ = try control?.send(
                    ControlCodec.encode(ControlEnvelope(run: run, worker: key, message: message)))
            }

            func end() { control = nil }
        }

        private func isNumber(_ wanted: Int, _ event: [String: Any]) -> Bool { event["generation"] as? Int == wanted }

        @Test("messages of older generations and half-steps, of another run and of nobody are dropped and counted")
        func replayed() throws {
            let cluster = try FaultCluster()
            cluster.endpoint = "tcp://127.0.0.1:\(LinkProxy.freePort())"
            try cluster.startCoordinator(workers: 2)
            let ports = [LinkProxy.freePort(), LinkProxy.freePort()]
            for (name, port) in zip(["a", "b"], ports) {
                try cluster.startWorker(name, fault: "none", mesh: (listens: port, announced: port))
            }
            try cluster.waitForHalfStep(4)
            try cluster.startWorker("c")
            #expect(wait(30) { cluster.events("generation_began").contains { isNumber(2, $0) } })

            let played = try PlayedWorker(cluster.endpoint, name: "played")
            let chunk = GradientChunk(
                index: 0, subtree: 1..<2, stateDigest: 5, bytes: [UInt8](repeating: 0x40, count: 64 * 1024))
            // (run, generation, sender, half-step)
            let told: [(UInt64, Int, Int, Int)] = [
                (played.run, 1, 1, 4), (played.run, 1, 1, 5), (played.run, 2, 1, 0), (played.run, 2, 1, 1_000_000),
                (played.run &+ 1, 2, 1, 5), (played.run, 2, 77, 5), (played.run, 3, 1, 5),
            ]
            var sent = 0
            for port in ports {
                let socket = try MessagingSocket(played.context, SocketConfiguration(.dealer))
                try socket.connect(Endpoint("tcp://127.0.0.1:\(port)"))
                for _ in 0..<5 {
                    for (run, generation, sender, halfStep) in told {
                        let envelope = MeshEnvelope(
                            run: run, generation: generation, sender: sender, halfStep: halfStep,
                            message: .chunk(chunk))
                        #expect(try socket.send(MeshCodec.encode(envelope)) == .sent)
                        sent += 1
                    }
                }
                // Closing waits until all is on its way.
            }
            try played.say(.leave(reason: ""))
            try cluster.expectUndisturbedResult()
            #expect(cluster.counters["dropped_messages"] ?? 0 >= sent, "\(sent): \(cluster.counters)")
        }

        @Test("for a worker that asks and does not read, the coordinator keeps no more than its limit")
        func deaf() throws {
            let cluster = try FaultCluster()
            let coordinator = try cluster.startCoordinator(workers: 2)
            try cluster.startWorker("a")
            try cluster.startWorker("b")
            try cluster.waitForHalfStep(2)
            let played = try PlayedWorker(cluster.endpoint, name: "deaf")
            let before = coordinator.allocatedBytes
            // Each is answered with 32 KiB, 640 MiB in all, and they come faster than they can be answered.
            var most = before
            for number in 0..<20_000 {
                try played.say(.stateRequest(StateRequest(appliedHalfSteps: 0, offset: 0)))
                if number % 1000 == 0 { most = max(most, coordinator.allocatedBytes) }
            }
            for _ in 0..<10 {
                usleep(100_000)
                most = max(most, coordinator.allocatedBytes)
            }
            print("the coordinator had \(before / 1024) KiB, at most \(most / 1024) KiB")
            #expect(most > before + 4 << 20, "it did answer")
            #expect(most < before + 96 << 20)
            // Its connection ends while its messages wait.
            played.end()
            try cluster.expectUndisturbedResult()
            #expect(cluster.counters["refused_peers"] ?? 0 > 0, "\(cluster.counters)")
        }
    }
#endif
