#if os(Linux)
    import Checkpoint
    import Foundation
    import Testing

    /// Training between decisions with workers that join over the network: they go from one stage of the search to the next.
    @Suite(.serialized) struct FineTuningFaultTests {
        /// Six stages, with a training of one epoch before all but the first.
        private func cluster() throws -> FaultCluster {
            try FaultCluster(epochs: 1, ["--fine-tune-epochs", "1", "--strength-images", "32"])
        }

        private func waitForDecision(_ count: Int, of cluster: FaultCluster) throws {
            let isThere = wait(90) {
                cluster.events("edge_decided").count >= count || cluster.coordinator?.isRunning != true
            }
            try #require(
                isThere && cluster.events("edge_decided").count < 6 && cluster.coordinator?.isRunning == true,
                "\(cluster.coordinator?.output ?? "")")
        }

        @Test("the same workers do all stages, with keys too, and end when the search does")
        func undisturbed() throws {
            let cluster = try cluster()
            try cluster.makeKeys(["a", "b"])
            try cluster.startCoordinator(workers: 2)
            for name in ["a", "b"] { try cluster.startWorker(name) }
            try cluster.expectUndisturbedResult()
            for worker in cluster.workers { #expect(worker.status(within: 10) == 0, "\(worker.output)") }
            #expect(cluster.events("edge_decided").count == 6)
            #expect(cluster.events("worker_joined").count == 2, "they are told of once")
            #expect(cluster.counters["generations"] ?? 0 >= 6, "what each stage counts is added up")
            #expect(cluster.counters["lost_workers"] == 0 && cluster.counters["refused_peers"] == 0)
        }

        @Test("a worker that is killed between two stages is not waited for, and one that comes later helps")
        func killedBetween() throws {
            let cluster = try cluster()
            let coordinator = try cluster.startCoordinator(workers: 2)
            let lost = try cluster.startWorker("a")
            try cluster.startWorker("b", fault: "slow:20")
            try waitForDecision(1, of: cluster)
            coordinator.send(SIGSTOP)
            lost.send(SIGKILL)
            #expect(lost.status(within: 5) == SIGKILL)
            coordinator.send(SIGCONT)
            cluster.forget(lost)
            try waitForDecision(2, of: cluster)
            try cluster.startWorker("c")
            try cluster.expectUndisturbedResult()
            for worker in cluster.workers { #expect(worker.status(within: 10) == 0, "\(worker.output)") }
            #expect(Set(cluster.events("worker_joined").compactMap { $0["worker"] as? String }) == ["a", "b", "c"])
        }

        @Test(
            "a coordinator that is killed, or interrupted, goes on with the stage that it was in, and with the same workers"
        )
        func goesOn() throws {
            let cluster = try cluster()
            let first = try cluster.startCoordinator(workers: 2, ["--checkpoint-every", "1"])
            for name in ["a", "b"] { try cluster.startWorker(name, fault: "slow:20") }
            try waitForDecision(2, of: cluster)
            #expect(wait(10) { (try? CheckpointFolder.verify(cluster.run).evaluations) ?? 0 > 0 })
            first.send(SIGKILL)
            #expect(first.status(within: 5) == SIGKILL)
            let second = try cluster.startCoordinator(workers: 2, resume: true)
            let known = cluster.events("edge_decided").count
            // What was decided is told again, then there is more.
            try #require(wait(90) { cluster.events("edge_decided").count >= known + 3 || !second.isRunning })
            #expect(cluster.workers.allSatisfy { $0.isRunning }, "the same workers")
            second.send(SIGTERM)
            #expect(second.status(within: 30) == 0, "\(second.output)")
            #expect(second.output.contains("--resume"))
            for worker in cluster.workers { worker.end() }
            try cluster.startCoordinator(workers: 1, resume: true)
            try cluster.startWorker("c")
            try cluster.expectUndisturbedResult()
            #expect(cluster.events("training_started").count == 1, "the supernet is not trained again")
        }
    }
#endif
