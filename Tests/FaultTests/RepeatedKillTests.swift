#if os(Linux)
    import Foundation
    import Testing

    /// Row 22 of the fault matrix, with the one fault that happens most.
    struct RepeatedKillTests {
        /// `script/test --all`: for some minutes, every five seconds.
        static let interval = runsLongTests ? 5.0 : 1.0

        @Test("a search of eight channels from which workers are killed again and again has the undisturbed digest")
        func killedAgainAndAgain() throws {
            let cluster = try FaultCluster(epochs: runsLongTests ? 150 : 12, ["--channels", "8"])
            let coordinator = try cluster.startCoordinator(workers: 4)
            var living = try (0..<4).map { try cluster.startWorker("w\($0)") }
            try cluster.waitForHalfStep(1)
            let start = ContinuousClock.now
            var kills = 0
            while !wait(Self.interval, until: { !coordinator.isRunning }) {
                let victim = living[kills % living.count]
                victim.send(SIGKILL)
                let status = victim.status(within: 5)
                // The run may just have ended, and the worker with it.
                if status == 0 { break }
                #expect(status == SIGKILL)
                living[kills % living.count] = try cluster.startWorker("w\(4 + kills)")
                kills += 1
                try #require(ContinuousClock.now - start < .seconds(900), "the run does not get on")
            }
            print("killed \(kills) workers in \(ContinuousClock.now - start)")
            try cluster.expectUndisturbedResult(within: 60)
            // Of those that are killed every second some have not joined yet.
            let lost = cluster.counters["lost_workers"] ?? 0
            #expect(runsLongTests ? kills >= 12 && lost >= kills : kills >= 2 && lost >= 2, "\(kills), \(lost)")
        }
    }
#endif
