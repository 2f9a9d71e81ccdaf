#if os(Linux)
    import Foundation
    import Testing

    /// Rows 1 to 6 and 16 of the fault matrix: workers that go, stop, stick, and come.
    @Suite(.serialized) struct LostWorkerTests {
        /// Repetitions: one by default, more for the table.
        static let repetitions = runsLongTests ? Array(0..<3) : [0]

        @Test(
            "a worker that is killed in training is noticed within a second, and the result is the same bits",
            arguments: repetitions)
        func killedInTraining(_: Int) throws {
            let cluster = try FaultCluster()
            try cluster.startCoordinator(workers: 3)
            for name in ["a", "b", "c"] { try cluster.startWorker(name) }
            try cluster.waitForHalfStep(5)
            let victim = cluster.workers[1]
            let start = ContinuousClock.now
            victim.send(SIGKILL)
            let times = try cluster.recovery(of: "b", from: start)
            #expect(victim.status(within: 5) == SIGKILL)
            #expect(times.noticed < 1 && times.goesOn < 2, "\(times)")
            RecoveryTable.add(
                "SIGKILL in training", noticed: times.noticed, goesOn: times.goesOn, bounds: "1 s, 2 s")
            try cluster.expectUndisturbedResult()
            #expect(cluster.counters["lost_workers"] == 1)
        }

        @Test("a worker that dies in the middle of an all-reduce leaves no half sum behind")
        func killedInAllReduce() throws {
            // A gradient of more than one chunk.
            let cluster = try FaultCluster(epochs: 1, ["--channels", "8"])
            try cluster.startCoordinator(workers: 3)
            try cluster.startWorker("a")
            let victim = try cluster.startWorker("b", fault: "crash-sum:5")
            try cluster.startWorker("c")
            try cluster.expectUndisturbedResult()
            #expect(victim.status(within: 5) == SIGKILL)
            #expect(cluster.counters["lost_workers"] == 1)
            let again = cluster.events("generation_began").compactMap { $0["half_step"] as? Int }
            #expect(again == [0, 5], "the others give the half-step up, and compute it anew")
        }

        @Test(
            "a worker that dies amid an update of the alphas by second order, in whichever of its parts, leaves no trace in it",
            arguments: zip(["look-ahead", "ahead", "above", "below"], 5...8))
        func killedAmidUnrolled(part: String, halfStep: Int) throws {
            let cluster = try FaultCluster(epochs: 2, ["--unrolled"])
            let coordinator = try cluster.startCoordinator(workers: 2)
            // Who comes first computes the first shard.
            let victim = try cluster.startWorker("a", fault: "crash:\(halfStep):0")
            #expect(wait(30) { coordinator.output.contains("worker a joined (1)") })
            try cluster.startWorker("b")
            #expect(victim.status(within: 60) == SIGKILL)
            // It takes a state that may be amid an update.
            try cluster.startWorker("c")
            try cluster.expectUndisturbedResult()
            #expect(cluster.counters["lost_workers"] == 1)
            let begun = cluster.events("generation_began").compactMap { $0["half_step"] as? Int }
            // The one that dies may have sent the end of the sum before, and the other one not have all of it.
            let expected = [[0, halfStep - 1], [0, halfStep]]
            #expect(expected.contains(Array(begun.prefix(2))), "what the other one has applied of the update stays")
            let line = cluster.events("half_step").first { $0["half_step"] as? Int == halfStep }
            #expect(line?["part"] as? String == part)
        }

        @Test("the lowest rank may be killed too, and the last one that is left computes alone")
        func killedOneAfterTheOther() throws {
            let cluster = try FaultCluster()
            try cluster.startCoordinator(workers: 3)
            for name in ["a", "b", "c"] { try cluster.startWorker(name) }
            for (worker, count) in [(0, 4), (1, 10)] {
                try cluster.waitForHalfStep(count)
                cluster.workers[worker].send(SIGKILL)
            }
            try cluster.expectUndisturbedResult()
            #expect(cluster.counters["lost_workers"] == 2)
            #expect(cluster.events("generation_began").count >= 3)
        }

        @Test("a worker that is killed while it starts is not missed")
        func killedAtStart() throws {
            let cluster = try FaultCluster(epochs: 1)
            try cluster.startCoordinator(workers: 2)
            let first = try cluster.startWorker("a")
            usleep(150_000)
            first.send(SIGKILL)
            for name in ["b", "c"] { try cluster.startWorker(name) }
            #expect(first.status(within: 5) == SIGKILL)
            try cluster.expectUndisturbedResult()
        }

        @Test("a worker that is killed in a strength task gives its tasks back", arguments: repetitions)
        func killedInSelection(_: Int) throws {
            let cluster = try FaultCluster(epochs: 1)
            try cluster.startCoordinator(workers: 2)
            for name in ["a", "b"] { try cluster.startWorker(name, fault: "slow:100") }
            try cluster.waitForSelection()
            let start = ContinuousClock.now
            cluster.workers[0].send(SIGKILL)
            let times = try cluster.recovery(of: "a", from: start)
            #expect(times.noticed < 1, "\(times)")
            RecoveryTable.add(
                "SIGKILL in a strength task", noticed: times.noticed, goesOn: times.goesOn, bounds: "1 s, 2 s")
            try cluster.expectUndisturbedResult()
            #expect(cluster.counters["lost_workers"] == 1)
        }

        @Test("a newcomer that is killed while it takes the state changes nothing")
        func killedInTransfer() throws {
            let cluster = try FaultCluster()
            try cluster.startCoordinator(workers: 1)
            try cluster.startWorker("a")
            try cluster.waitForHalfStep(3)
            let newcomer = try cluster.startWorker("b")
            let invited = wait(30) {
                cluster.events("generation_changed").contains { ($0["text"] as? String)?.contains("b joined") == true }
            }
            newcomer.send(SIGKILL)
            #expect(invited)
            try cluster.expectUndisturbedResult()
            #expect(cluster.events("worker_lost").contains { $0["worker"] as? String == "b" })
        }

        @Test(
            "a worker that is stopped is replaced; when it wakes it joins as new, and what it still says is dropped",
            arguments: repetitions)
        func stopped(_: Int) throws {
            let cluster = try FaultCluster(epochs: 8)
            try cluster.startCoordinator(workers: 3)
            for name in ["a", "b", "c"] { try cluster.startWorker(name) }
            try cluster.waitForHalfStep(5)
            let before = cluster.workers[0].residentBytes
            let start = ContinuousClock.now
            cluster.workers[1].send(SIGSTOP)
            let times = try cluster.recovery(of: "b", from: start)
            #expect(times.noticed < 2, "\(times)")
            RecoveryTable.add("SIGSTOP in training", noticed: times.noticed, goesOn: times.goesOn, bounds: "2 s, –")
            #expect(cluster.workers[1].isRunning, "it is stopped, not gone")
            // Row 13: nothing piles up for one that does not read.
            #expect(cluster.workers[0].residentBytes < before + 64 << 20)
            cluster.workers[1].send(SIGCONT)
            #expect(
                wait(30) { cluster.events("worker_joined").filter { $0["worker"] as? String == "b" }.count == 2 },
                "it joins anew")
            try cluster.expectUndisturbedResult()
        }

        @Test("a worker whose computation is stuck is noticed although it goes on talking")
        func stuck() throws {
            let cluster = try FaultCluster()
            try cluster.startCoordinator(workers: 2)
            try cluster.startWorker("a")
            try cluster.startWorker("b", fault: "stuck:9")
            try cluster.waitForHalfStep(9)
            let start = ContinuousClock.now
            let times = try cluster.recovery(of: "b", from: start)
            let bound = try longestHalfStep(cluster) * 8 * 4 + 4
            #expect(times.noticed < bound, "\(times), bound \(bound)")
            RecoveryTable.add(
                "computation stuck", noticed: times.noticed, goesOn: times.goesOn, bounds: "2 s + 8 shards' time")
            let reasons = cluster.events("worker_lost").compactMap { $0["text"] as? String }
            #expect(reasons.contains { $0.contains("computation has not got on") }, "\(reasons)")
            try cluster.expectUndisturbedResult()
        }

        private func longestHalfStep(_ cluster: FaultCluster) throws -> Double {
            let times = cluster.events("half_step").compactMap { $0["seconds"] as? Double }
            return zip(times.dropFirst(), times).map { $0 - $1 }.max() ?? 0
        }

        @Test("a worker that evaluates ten times slower than the other does not hold the selection up")
        func slow() throws {
            let cluster = try FaultCluster(epochs: 1)
            try cluster.startCoordinator(workers: 2)
            try cluster.startWorker("a", fault: "slow:300")
            try cluster.startWorker("b", fault: "slow:3000")
            try cluster.expectUndisturbedResult()
            let times = cluster.events("evaluations").compactMap { $0["seconds"] as? Double }
            let begin = try #require(cluster.events("selection_started").first?["seconds"] as? Double)
            let took = (times.last ?? 0) - begin
            // Most answers are the fast worker's.
            let task = zip(times.dropFirst(), times).map { $0 - $1 }.sorted()[times.count / 2]
            // What both would need if tasks could be divided at will.
            let ideal = task * Double(times.count) / 1.1
            print("\(times.count) evaluations of \(task) s took \(took) s, at best \(ideal) s")
            #expect(task > 0.3)
            #expect(took < 1.3 * ideal, "\(took) s, at best \(ideal) s")
        }

        @Test("a worker that trains ten times slower than the others is named, and stands by if that is wanted")
        func slowTraining() throws {
            for policy in ["warn", "stand-by"] {
                let cluster = try FaultCluster()
                try cluster.startCoordinator(workers: 3, ["--slow-workers", policy])
                try cluster.startWorker("a")
                try cluster.startWorker("b", fault: "slow-training:150")
                try cluster.startWorker("c")
                try cluster.expectUndisturbedResult()
                let named = cluster.events("worker_slow")
                #expect(named.map { $0["worker"] as? String } == ["b"], "\(named)")
                #expect(named.first?["times"] as? Double ?? 0 > 3)
                let changes = cluster.events("generation_changed").filter { $0["text"] as? String == "b is slow" }
                #expect(changes.map { $0["stand_bys"] as? Int } == (policy == "warn" ? [] : [1]))
                let counters = cluster.counters
                #expect(counters["lost_workers"] == 0)
                // The others wait for the slow one, not for the all-reduce.
                let (waited, exchange) = (counters["waited_ms"] ?? 0, counters["exchange_ms"] ?? .max)
                #expect(waited > (policy == "warn" ? 4000 : 300) && exchange < waited / 4, "\(counters)")
                #expect(counters["network_cpu_ms"] ?? 0 > 0, "\(counters)")
            }
        }

        @Test("when all workers are gone the coordinator waits, and goes on with one that comes in time")
        func allGoneAndBack() throws {
            let cluster = try FaultCluster()
            try cluster.startCoordinator(workers: 2, ["--checkpoint-every", "2"])
            for name in ["a", "b"] { try cluster.startWorker(name) }
            try cluster.waitForHalfStep(9)
            for worker in cluster.workers { worker.send(SIGKILL) }
            #expect(wait(10) { !cluster.events("workers_gone").isEmpty })
            try cluster.startWorker("c")
            try cluster.expectUndisturbedResult()
            #expect(cluster.counters["lost_workers"] == 2)
        }

        @Test("when all workers are gone and none comes the coordinator says what to do, and the run goes on later")
        func allGone() throws {
            let cluster = try FaultCluster()
            let first = try cluster.startCoordinator(
                workers: 2, ["--checkpoint-every", "2", "--worker-timeout", "1"])
            for name in ["a", "b"] { try cluster.startWorker(name) }
            try cluster.waitForHalfStep(9)
            for worker in cluster.workers { worker.send(SIGKILL) }
            #expect(first.status(within: 20) == 75, "\(first.output)")
            #expect(first.output.contains("--resume") && first.output.contains("--worker-timeout"))
            try cluster.startCoordinator(workers: 1, resume: true)
            try cluster.startWorker("c")
            try cluster.expectUndisturbedResult()
        }

        @Test("workers join in the middle, one and several at once")
        func joining() throws {
            let cluster = try FaultCluster(epochs: 8)
            try cluster.startCoordinator(workers: 1)
            try cluster.startWorker("a")
            try cluster.waitForHalfStep(3)
            try cluster.startWorker("b")
            #expect(wait(30) { cluster.events("generation_began").count >= 2 })
            for name in ["c", "d", "e"] { try cluster.startWorker(name) }
            try cluster.expectUndisturbedResult()
            let sizes = cluster.events("generation_changed").compactMap { $0["workers"] as? Int }
            #expect(sizes.contains(2) && sizes.last == 4, "\(sizes)")
        }
    }
#endif
