#if os(Linux)
    import Foundation
    import Protocol
    import TestSupport
    import Testing

    /// Rows 14, 15 and 18 of the fault matrix: workers that compute something wrong, or cannot compute.
    @Suite(.serialized) struct WrongWorkerTests {
        @Test(
            "a gradient that is not finite never enters a sum; its worker is ejected by name",
            arguments: ["nan", "inf"])
        func notFinite(fault: String) throws {
            let cluster = try FaultCluster()
            try cluster.startCoordinator(workers: 2)
            try cluster.startWorker("good")
            try cluster.startWorker("bad", fault: "\(fault):7")
            try cluster.expectUndisturbedResult()
            let ejected = cluster.events("worker_lost").filter { $0["worker"] as? String == "bad" }
            #expect(ejected.contains { ($0["text"] as? String)?.contains("not finite") == true }, "\(cluster.log)")
        }

        @Test("a replica that goes astray is found by its digest before its numbers are used, and replaced")
        func drift() throws {
            let cluster = try FaultCluster()
            try cluster.startCoordinator(workers: 3)
            for name in ["a", "b"] { try cluster.startWorker(name) }
            try cluster.startWorker("bad", fault: "drift:7")
            try cluster.expectUndisturbedResult()
            let ejected = cluster.events("worker_lost").filter { $0["worker"] as? String == "bad" }
            #expect(ejected.contains { ($0["text"] as? String)?.contains("digests") == true }, "\(cluster.log)")
        }

        @Test("a gradient that is not finite whoever computes it is divergence: the run stops and says so")
        func divergence() throws {
            let cluster = try FaultCluster()
            let coordinator = try cluster.startCoordinator(workers: 2)
            for name in ["a", "b"] { try cluster.startWorker(name, fault: "nan-always:7") }
            #expect(coordinator.status(within: 60) == 70, "\(coordinator.output)")
            #expect(coordinator.output.contains("half-step 7") && coordinator.output.contains("--on-nonfinite"))
        }

        @Test("or the half-step is passed over, if that is wanted")
        func skipped() throws {
            let cluster = try FaultCluster()
            let coordinator = try cluster.startCoordinator(workers: 2, ["--on-nonfinite", "skip"])
            for name in ["a", "b"] { try cluster.startWorker(name, fault: "nan-always:7") }
            #expect(coordinator.status(within: 120) == 0, "\(coordinator.output)")
            #expect(cluster.events("half_step_skipped").compactMap { $0["half_step"] as? Int } == [7])
        }

        @Test("a shard on which three workers die is given up by name, and the checkpoint is kept")
        func hopeless() throws {
            let cluster = try FaultCluster()
            let coordinator = try cluster.startCoordinator(workers: 4, ["--checkpoint-every", "2"])
            for name in ["a", "b", "c", "d"] { try cluster.startWorker(name, fault: "crash:9:2") }
            #expect(coordinator.status(within: 60) == 70, "\(coordinator.output)")
            #expect(coordinator.output.contains("shard 2 of half-step 9"), "\(coordinator.output)")
            #expect(FileManager.default.fileExists(atPath: cluster.run + "/checkpoints"))
        }

        @Test("so is an evaluation on which three workers die")
        func hopelessTask() throws {
            let cluster = try FaultCluster(epochs: 1)
            let coordinator = try cluster.startCoordinator(workers: 4)
            for name in ["a", "b", "c", "d"] { try cluster.startWorker(name, fault: "crash-task:1:2") }
            #expect(coordinator.status(within: 60) == 70, "\(coordinator.output)")
            #expect(coordinator.output.contains("operation 2 on edge 1"), "\(coordinator.output)")
            #expect(cluster.counters.isEmpty && cluster.events("worker_lost").count == 3, "\(cluster.log)")
        }

        @Test(
            "a finite loss that is wrong is found when it is audited; its worker is ejected, and its answers are repeated"
        )
        func wrongLoss() throws {
            let cluster = try FaultCluster(epochs: 1)
            try cluster.startCoordinator(workers: 3, ["--audit", "1"])
            for name in ["a", "b"] { try cluster.startWorker(name) }
            try cluster.startWorker("bad", fault: "wrong:2")
            try cluster.expectUndisturbedResult()
            let ejected = cluster.events("worker_lost").filter { $0["worker"] as? String == "bad" }
            #expect(ejected.contains { ($0["text"] as? String)?.contains("other losses") == true }, "\(cluster.log)")
            #expect(cluster.counters["audited_tasks"] ?? 0 > 10)
        }

        @Test(
            "a finite gradient that is wrong is found where it is audited; its worker is ejected, and the run goes back"
        )
        func wrongGradient() throws {
            let cluster = try FaultCluster()
            try cluster.startCoordinator(workers: 3, ["--audit", "0.5", "--checkpoint-every", "2"])
            for name in ["a", "b"] { try cluster.startWorker(name) }
            try cluster.startWorker("bad", fault: "gradient:9")
            try cluster.expectUndisturbedResult()
            let ejected = cluster.events("worker_lost").filter { $0["worker"] as? String == "bad" }
            #expect(ejected.contains { ($0["text"] as? String)?.contains("its gradient of half-step") == true })
            let back = try #require(cluster.events("training_rewound").first?["half_step"] as? Int)
            // Not before the training, since checkpoints are there that it had no part in spoiling.
            #expect(back > 0 && back <= 9, "\(cluster.log)")
            #expect(cluster.counters["audited_shards"] ?? 0 > 5)
        }

        @Test("of two workers nobody can tell which is right; a fault that passes is computed away")
        func passingFault() throws {
            let cluster = try FaultCluster()
            try cluster.startCoordinator(workers: 2, ["--audit", "1", "--checkpoint-every", "2"])
            try cluster.startWorker("good")
            try cluster.startWorker("bad", fault: "gradient-once:9:\(try Self.auditedShard(halfStep: 9))")
            try cluster.expectUndisturbedResult()
            #expect(cluster.events("training_rewound").count == 1)
            #expect(cluster.events("worker_lost").isEmpty)
        }

        /// With every half-step audited, and two workers for four shards.
        private static func auditedShard(halfStep: Int) throws -> Int {
            let members = [0..<2, 2..<4].map { run in
                Membership.Member(worker: UInt64(run.lowerBound), name: "", host: "", meshEndpoint: "", run: run)
            }
            let membership = Membership(
                generation: 1, rank: 0, shards: 4, halfSteps: 20, members: members, auditRate: 1)
            return try #require(GradientAudit(halfStep: halfStep, membership: membership)).shard
        }

        @Test("one that stays ends the run, which says what to do")
        func undecided() throws {
            let cluster = try FaultCluster()
            let coordinator = try cluster.startCoordinator(workers: 2, ["--audit", "1"])
            try cluster.startWorker("good")
            try cluster.startWorker("bad", fault: "gradient:9")
            #expect(coordinator.status(within: 60) == 70, "\(coordinator.output)")
            #expect(coordinator.output.contains("a third worker is needed"), "\(coordinator.output)")
        }

        @Test("a worker with other images is refused with both digests")
        func otherImages() throws {
            let cluster = try FaultCluster(epochs: 1)
            let others = try SmallImages(count: 320)
            try cluster.startCoordinator(workers: 1)
            let stranger = try cluster.startWorker("stranger", data: others.folder.path)
            #expect(stranger.status(within: 20) == 78)
            try cluster.startWorker("a")
            try cluster.expectUndisturbedResult()
            let refusal = try #require(cluster.events("worker_refused").first?["text"] as? String)
            #expect(refusal.contains("digest") && refusal.contains("320 images"))
            #expect(stranger.output.contains(refusal))
        }
    }
#endif
