#if os(Linux)
    import Foundation
    import Testing

    /// Row 22 of the fault matrix, its last words: nothing is left of workers that came and went.
    struct JoinAndLeaveTests {
        /// What a process has at a moment.
        private struct Holding {
            var joins: Int
            var bytes: Int
            var descriptors: Int
        }

        /// Lines of a run's log, each read once.
        private final class LogReader {
            private let path: String
            private var file: FileHandle?
            private var rest = Data()

            init(_ path: String) { self.path = path }

            func newLines() -> [Substring] {
                file = file ?? FileHandle(forReadingAtPath: path)
                rest += file?.availableData ?? Data()
                guard let end = rest.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
                defer { rest = Data(rest[(end + 1)...]) }
                return String(decoding: rest[...end], as: UTF8.self).split(separator: "\n")
            }
        }

        private struct Guest {
            let name: String
            let process: RunningProcess
            var hasJoined = false
            var isMember = false
            var hasComputed = false
        }

        /// Two workers stay, six others come and go, each a process and over TCP with keys. Every other one goes in order,
        /// the others are killed.
        @Test(
            "memory and descriptors of the coordinator and of the workers that stay are level while others come and go")
        func level() throws {
            let wanted = runsLongTests ? 2000 : 60
            let names = (0..<6).map { "guest-\($0)" }
            let cluster = try FaultCluster(epochs: 1_000_000, ["--batch", "8", "--shards", "8"])
            // Where an allocator keeps what was freed would be counted else.
            cluster.environment = ["MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "65536"]
            try cluster.makeKeys(["a", "b"] + names)
            let coordinator = try cluster.startCoordinator(workers: 2, ["--checkpoint-every", "0"])
            for name in ["a", "b"] { try cluster.startWorker(name) }
            let staying = [coordinator] + cluster.workers
            try cluster.waitForHalfStep(2)

            let log = LogReader(cluster.run + "/log.jsonl")
            var guests: [Guest] = []
            var holdings = staying.map { _ in [Holding]() }
            var (joins, generations) = (0, 0)
            let start = ContinuousClock.now
            while joins < wanted {
                try #require(
                    coordinator.isRunning && ContinuousClock.now - start < .seconds(runsLongTests ? 1200 : 120),
                    "\(joins): \(coordinator.output)")
                for name in names where !guests.contains(where: { $0.name == name }) {
                    guests.append(Guest(name: name, process: try cluster.startWorker(name)))
                }
                for line in log.newLines() {
                    if line.contains(#""event":"worker_joined""#) {
                        for place in guests.indices where line.contains("\"\(guests[place].name)\"") {
                            guests[place].hasJoined = true
                        }
                    } else if line.contains(#""event":"generation_began""#) {
                        generations += 1
                        for place in guests.indices where guests[place].hasJoined { guests[place].isMember = true }
                    } else if line.contains(#""event":"half_step""#) {
                        // Three that are lost over one half-step would end the run.
                        for place in guests.indices where guests[place].isMember { guests[place].hasComputed = true }
                    }
                }
                for guest in guests where guest.hasComputed {
                    joins += 1
                    guest.process.send(joins % 2 == 0 ? SIGKILL : SIGTERM)
                    try #require(guest.process.status(within: 20) != nil, "\(guest.process.output)")
                    guests.removeAll { $0.name == guest.name }
                    cluster.forget(guest.process)
                    for (place, process) in staying.enumerated() {
                        holdings[place].append(
                            Holding(joins: joins, bytes: process.allocatedBytes, descriptors: process.openDescriptors))
                    }
                }
                usleep(5000)
            }
            print("\(joins) joins and \(generations) generations in \(ContinuousClock.now - start)")
            #expect(staying.allSatisfy { $0.isRunning })
            #expect(generations > wanted / 4, "\(generations) generations")
            for (process, holdings) in zip(staying, holdings) {
                // Both fall and rise with the guests that are there: of a while, the least counts.
                func least(_ range: Range<Int>) -> (bytes: Int, descriptors: Int) {
                    let then = holdings.filter { range.contains($0.joins) }
                    return (then.map(\.bytes).min() ?? 0, then.map(\.descriptors).min() ?? 0)
                }
                let (early, late) = (least(wanted / 5..<wanted * 3 / 10), least(wanted * 9 / 10..<wanted + 1))
                print(
                    "\(process.name): \(early.bytes / 1024) KiB and \(early.descriptors) descriptors, "
                        + "\(wanted * 7 / 10) joins later \(late.bytes / 1024) KiB and \(late.descriptors)")
                #expect(early.bytes > 1 << 20 && early.descriptors > 8, "they were measured")
                #expect(late.bytes < early.bytes + 1 << 20, "\(process.name)")
                #expect(late.descriptors < early.descriptors + 4, "\(process.name)")
            }
            coordinator.send(SIGTERM)
            // Ended in order, with nothing kept to go on with.
            #expect(coordinator.status(within: 30) == 128 + SIGTERM, "\(coordinator.output)")
        }
    }
#endif
