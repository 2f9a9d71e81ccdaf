import Foundation
import Testing

/// The coordinator's and the workers' state machines together, in thousands of schedules of messages, delays, losses,
/// crashes, pauses, cut links, stuck threads, replicas that go astray and gradients that are not finite or wrong.
///
/// In each of them every sum that is applied has every shard's gradient once; nobody applies anything in a generation
/// after it has answered a newer one; generations begin in order; losses come once and in order; snapshots are true; no
/// task is lost; and the run ends. `OSTR_SIMULATION_SEED` repeats one schedule.
struct SimulationTests {
    private var seeds: Range<UInt64> {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["OSTR_SIMULATION_SEED"].flatMap({ UInt64($0) }) { return seed..<(seed + 1) }
        return 0..<(environment["OSTR_LONG_TESTS"] == nil ? 4000 : 100_000)
    }

    @Test("whatever happens to processes and links, one generation commits, nothing is counted twice, and the run ends")
    func schedules() throws {
        var endings: [Simulation.Ending: Int] = [:]
        var tally: [String: Int] = [:]
        for seed in seeds {
            var simulation = Simulation(seed: seed)
            do {
                endings[try simulation.run(), default: 0] += 1
            } catch {
                Issue.record("OSTR_SIMULATION_SEED=\(seed): \(error)")
                return
            }
            tally.merge(simulation.tally, uniquingKeysWith: +)
        }
        guard seeds.count > 1 else { return }
        // The schedules reach what they are there for.
        for kind in [
            "abandoned", "audit", "coordinator crash", "coordinator pause", "crash", "cut", "drift", "duplicated task",
            "generation", "lost", "mismatch", "objection", "pause", "rejoin", "replayed", "returned task", "rewound",
            "slow", "snapshot", "stuck", "wrong gradient",
        ] {
            #expect(tally[kind, default: 0] > seeds.count / 400, "\(kind): \(tally[kind, default: 0])")
        }
        #expect(endings[.complete, default: 0] > seeds.count * 99 / 100, "\(endings)")
    }
}
