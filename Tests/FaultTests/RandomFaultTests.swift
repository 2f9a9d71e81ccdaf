#if os(Linux)
    import Foundation
    import TestSupport
    import Testing

    /// Row 22 of the fault matrix.
    struct RandomFaultTests {
        /// `OSTR_FAULT_SEED` repeats the choice of faults.
        @Test("random faults, one after the other, change no bit; memory and descriptors stay level")
        func randomFaults() throws {
            let wanted = ProcessInfo.processInfo.environment["OSTR_FAULT_SEED"].flatMap { UInt64($0) }
            let seed = wanted ?? UInt64.random(in: 0..<1_000_000)
            print("OSTR_FAULT_SEED=\(seed)")
            var random = SplitMix64(seed: seed)
            let cluster = try FaultCluster(epochs: runsLongTests ? 1000 : 60)
            try cluster.startCoordinator(workers: 4, ["--checkpoint-every", "2"])
            var living: [RunningProcess] = []
            for number in 0..<4 { living.append(try cluster.startWorker("w\(number)")) }
            try cluster.waitForHalfStep(2)
            let limit = ContinuousClock.now + .seconds(runsLongTests ? 600 : 15)
            var started = 4
            var happened: [String: Int] = [:]
            var most = (bytes: 0, descriptors: 0)
            var first = (bytes: 0, descriptors: 0)
            /// Others come for workers that a coordinator dismissed before it was gone.
            func replaceDismissed() throws {
                for place in living.indices where living[place].status(within: 3) != nil {
                    living[place] = try cluster.startWorker("w\(started)")
                    started += 1
                }
            }
            while ContinuousClock.now < limit, cluster.coordinator?.isRunning == true {
                usleep(UInt32.random(in: 200_000...1_500_000, using: &random))
                let victim = Int.random(in: living.indices, using: &random)
                switch Int.random(in: 0..<10, using: &random) {
                case 0...3:
                    living[victim].send(SIGKILL)
                    let status = living[victim].status(within: 5)
                    // The run may just have ended, and the worker with it.
                    #expect(status == SIGKILL || (status == 0 && cluster.coordinator?.status(within: 20) == 0))
                    if status == 0 { break }
                    living[victim] = try cluster.startWorker("w\(started)")
                    started += 1
                    happened["worker killed", default: 0] += 1
                case 4, 5:
                    living[victim].send(SIGSTOP)
                    usleep(UInt32.random(in: 300_000...2_500_000, using: &random))
                    living[victim].send(SIGCONT)
                    happened["worker stopped", default: 0] += 1
                case 6:
                    if living.count < 6 { living.append(try cluster.startWorker("w\(started)")) }
                    started += 1
                    happened["worker added", default: 0] += 1
                case 7:
                    // It computes one gradient that is not finite, is ejected, and joins anew.
                    let halfStep = (cluster.events("half_step").last?["half_step"] as? Int ?? 0) + 10
                    if living.count < 6 {
                        living.append(try cluster.startWorker("w\(started)", fault: "nan:\(halfStep)"))
                    }
                    started += 1
                    happened["wrong worker added", default: 0] += 1
                case 8:
                    guard let coordinator = cluster.coordinator, coordinator.isRunning,
                        !cluster.events("half_step").isEmpty
                    else { continue }
                    coordinator.send(SIGTERM)
                    // Started a moment ago, it has nothing to save.
                    #expect([0, 128 + SIGTERM].contains(coordinator.status(within: 30)))
                    if !cluster.summary.isEmpty { break }
                    try cluster.startCoordinator(workers: 1, resume: true)
                    // Its workers end with it; who had not joined yet finds the new one.
                    try replaceDismissed()
                    happened["coordinator interrupted", default: 0] += 1
                default:
                    guard let coordinator = cluster.coordinator, coordinator.isRunning,
                        !cluster.events("half_step").isEmpty, !cluster.isDecided
                    else { continue }
                    coordinator.send(SIGKILL)
                    _ = coordinator.status(within: 5)
                    try cluster.startCoordinator(workers: 1, resume: true)
                    // It may have come to the end, and told the workers, since it was looked at.
                    if cluster.isDecided { try replaceDismissed() }
                    happened["coordinator killed", default: 0] += 1
                }
                let now = (cluster.coordinator?.residentBytes ?? 0, cluster.coordinator?.openDescriptors ?? 0)
                if first.bytes == 0 { first = now }
                most = (max(most.bytes, now.0), max(most.descriptors, now.1))
            }
            try cluster.expectUndisturbedResult(within: 300)
            #expect(happened.values.reduce(0, +) >= 5, "seed \(seed): \(happened)")
            #expect(most.bytes < first.bytes + 64 << 20 && most.descriptors < 128, "seed \(seed): \(first), \(most)")
        }
    }
#endif
