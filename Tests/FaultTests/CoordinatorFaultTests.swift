#if os(Linux)
    import Checkpoint
    import Foundation
    import Testing

    /// Rows 7, 9, 10 and 20 of the fault matrix: the coordinator, its checkpoints and signals.
    @Suite(.serialized) struct CoordinatorFaultTests {
        @Test(
            "a coordinator that is killed in training goes on from its checkpoint, and its workers come back by themselves"
        )
        func killedInTraining() throws {
            let cluster = try FaultCluster()
            let first = try cluster.startCoordinator(workers: 2, ["--checkpoint-every", "3"])
            for name in ["a", "b"] { try cluster.startWorker(name) }
            try cluster.waitForHalfStep(14)
            #expect(wait(10) { (try? CheckpointFolder.verify(cluster.run)) != nil })
            first.send(SIGKILL)
            #expect(first.status(within: 5) == SIGKILL)
            let reached = cluster.halfSteps
            let found = try CheckpointFolder.verify(cluster.run)
            let start = ContinuousClock.now
            try cluster.startCoordinator(workers: 2, resume: true)
            #expect(wait(60) { cluster.halfSteps > reached })
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            RecoveryTable.add(
                "coordinator killed in training, restarted at once", noticed: 0, goesOn: seconds, bounds: "–")
            #expect(cluster.workers.allSatisfy { $0.isRunning }, "the same workers")
            // Six half-steps are an interval; as many may be under way between the last offer and the disk.
            let again = cluster.events("half_step").compactMap { $0["half_step"] as? Int }
            #expect(reached - found.halfSteps <= 12, "\(reached), \(found)")
            #expect(Set(again).count == again.max().map { $0 + 1 })
            try cluster.expectUndisturbedResult()
        }

        @Test("a coordinator that is killed in the selection keeps every decision")
        func killedInSelection() throws {
            let cluster = try FaultCluster(epochs: 1)
            let first = try cluster.startCoordinator(workers: 2)
            for name in ["a", "b"] { try cluster.startWorker(name, fault: "slow:100") }
            #expect(wait(90) { cluster.events("edge_decided").count >= 2 })
            #expect(wait(10) { (try? CheckpointFolder.verify(cluster.run).evaluations) ?? 0 > 0 })
            first.send(SIGKILL)
            #expect(first.status(within: 5) == SIGKILL)
            let kept = try CheckpointFolder.verify(cluster.run).evaluations
            try cluster.startCoordinator(workers: 2, resume: true)
            try cluster.expectUndisturbedResult()
            let counts = cluster.events("evaluations").compactMap { $0["done"] as? Int }
            #expect(kept > 0 && counts.last ?? 0 > kept)
            #expect(cluster.events("training_started").count == 1, "nothing is trained again")
        }

        @Test("a coordinator that is killed between its workers' dismissal and the result needs a worker, and has both")
        func killedInFarewell() throws {
            let cluster = try FaultCluster(epochs: 1)
            let first = try cluster.startCoordinator(workers: 2)
            let leaves = try cluster.startWorker("leaves")
            let stops = try cluster.startWorker("stops")
            // The coordinator waits two seconds for the farewell of a worker that cannot answer.
            try cluster.waitForSelection()
            stops.send(SIGSTOP)
            #expect(leaves.status(within: 30) == 0, "it was told that the search is complete")
            first.send(SIGKILL)
            #expect(first.status(within: 5) == SIGKILL)
            #expect(cluster.isDecided && cluster.summary.isEmpty)
            stops.end()
            try cluster.startCoordinator(workers: 1, resume: true)
            try cluster.startWorker("comes")
            try cluster.expectUndisturbedResult()
            #expect(cluster.events("training_started").count == 1, "nothing is trained again")
        }

        @Test("a coordinator that is killed while it writes a checkpoint goes on from the one before")
        func killedWhileSaving() throws {
            let cluster = try FaultCluster(epochs: 1)
            let coordinator = try cluster.startCoordinator(workers: 2, ["--checkpoint-every", "1"])
            for name in ["a", "b"] { try cluster.startWorker(name) }
            let folder = cluster.run + "/checkpoints"
            func names() -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] }
            func isSaving() -> Bool { names().contains { $0.hasSuffix(".tmp") } }
            #expect(wait(60) { (try? CheckpointFolder.verify(cluster.run)) != nil })
            // A save takes some milliseconds, of which some are over when it is seen.
            let limit = ContinuousClock.now + .seconds(20)
            repeat {
                while !isSaving(), ContinuousClock.now < limit { usleep(200) }
                coordinator.send(SIGSTOP)
                // What was under way may still reach the disk.
                usleep(20_000)
                if isSaving() { break }
                coordinator.send(SIGCONT)
            } while ContinuousClock.now < limit
            coordinator.send(SIGKILL)
            #expect(coordinator.status(within: 5) == SIGKILL)
            #expect(isSaving(), "a save was cut short")
            let kept = try CheckpointFolder.verify(cluster.run)
            #expect(kept.halfSteps > 0)
            try cluster.startCoordinator(workers: 2, resume: true)
            try cluster.expectUndisturbedResult()
            #expect(names().isEmpty)
        }

        @Test("a search that is interrupted finishes its step, saves, and goes on later", arguments: [SIGTERM, SIGINT])
        func interrupted(signal: Int32) throws {
            let cluster = try FaultCluster()
            let first = try cluster.startCoordinator(workers: 2, ["--checkpoint-every", "1000"])
            for name in ["a", "b"] { try cluster.startWorker(name) }
            try cluster.waitForHalfStep(5)
            first.send(signal)
            #expect(first.status(within: 30) == 0, "\(first.output)")
            #expect(first.output.contains("--resume"))
            for worker in cluster.workers { #expect(worker.status(within: 10) == 75, "\(worker.output)") }
            #expect(try CheckpointFolder.verify(cluster.run).halfSteps == cluster.halfSteps)
            let left = try FileManager.default.subpathsOfDirectory(atPath: cluster.folder.path)
            #expect(!left.contains { $0.hasSuffix(".tmp") }, "\(left)")
            try cluster.startCoordinator(workers: 1, resume: true)
            try cluster.startWorker("c")
            try cluster.expectUndisturbedResult()
        }

        @Test("a second interrupt ends it at once")
        func interruptedTwice() throws {
            let cluster = try FaultCluster(epochs: 1000)
            let first = try cluster.startCoordinator(workers: 1)
            try cluster.startWorker("a")
            try cluster.waitForHalfStep(3)
            cluster.workers[0].send(SIGSTOP)
            first.send(SIGTERM)
            usleep(200_000)
            let start = ContinuousClock.now
            first.send(SIGTERM)
            #expect(first.status(within: 5) == SIGTERM)
            #expect(ContinuousClock.now - start < .seconds(2))
        }

        @Test("a run whose newest checkpoint is damaged goes on from the one before, and names the file")
        func damaged() throws {
            let cluster = try FaultCluster()
            let first = try cluster.startCoordinator(workers: 1, ["--checkpoint-every", "2"])
            try cluster.startWorker("a")
            try cluster.waitForHalfStep(16)
            let checkpoints = cluster.run + "/checkpoints"
            func names() -> [String] {
                ((try? FileManager.default.contentsOfDirectory(atPath: checkpoints)) ?? [])
                    .filter { !$0.hasPrefix(".") }.sorted()
            }
            #expect(wait(10) { names().count == 2 })
            first.send(SIGKILL)
            #expect(first.status(within: 5) == SIGKILL)
            let newest = checkpoints + "/" + (try #require(names().last)) + "/optimizers.safetensors"
            var bytes = try Data(contentsOf: URL(fileURLWithPath: newest))
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: URL(fileURLWithPath: newest))
            let second = try cluster.startCoordinator(workers: 1, resume: true)
            try cluster.expectUndisturbedResult()
            #expect(second.output.contains("optimizers.safetensors") && second.output.contains("SHA-256"))
        }

        @Test("where nothing may be written the run does not begin; where that comes later it goes on, and says so")
        func readOnly() throws {
            let cluster = try FaultCluster()
            let script = """
                set -e
                mkdir locked && mount --bind locked locked && mount -o remount,bind,ro locked
                "$0" search "$@" --workers 0 --output locked/run && exit 1
                "$0" search "$@" --workers 1 --checkpoint-every 1 --output run &
                search=$!
                until ls run/checkpoints/*/manifest.json >/dev/null 2>&1; do sleep 0.01; done
                mount --bind run/checkpoints run/checkpoints
                # Busy while a file is being written there.
                until mount -o remount,bind,ro run/checkpoints 2>/dev/null; do sleep 0.005; done
                wait $search
                "$0" checkpoint verify run
                """
            let process = try cluster.runScript(script, namespaces: ["--mount"])
            #expect(process.status(within: 120) == 0, "\(process.output)")
            let refusals = process.output.split(separator: "\n").filter { $0.contains("Read-only file system") }
            #expect(
                refusals.first?.contains("locked") == true && refusals.first?.contains("error") == true, "\(refusals)")
            #expect(process.output.contains("the run goes on") && process.output.contains(": good: half-step"))
            #expect(try cluster.summary["digest"] as? String == Reference.digest(cluster.options))
        }

        @Test(
            "a full disk is told at once, the checkpoint before stays whole, and the run goes on or stops as asked",
            arguments: [false, true])
        func fullDisk(stops: Bool) throws {
            let cluster = try FaultCluster(epochs: 3)
            // A file system of 384 KiB holds one checkpoint of this size, and not two.
            let script = """
                set -e
                mkdir mount && mount -t tmpfs -o size=384k none mount
                "$0" search "$@" --workers 1 --checkpoint-every 2 --output mount/run \(stops ? "--on-save-error stop" : "") \
                    && status=0 || status=$?
                "$0" checkpoint verify mount/run || echo "no good checkpoint"
                exit $status
                """
            let process = try cluster.runScript(script, namespaces: ["--mount"])
            let status = process.status(within: 120)
            #expect(process.output.contains("No space left on device"), "\(process.output)")
            if stops {
                #expect(status == 74 && process.output.contains(": good: half-step"), "\(process.output)")
            } else {
                #expect(status == 0 && process.output.contains("the run goes on"), "\(process.output)")
            }
        }
    }
#endif
