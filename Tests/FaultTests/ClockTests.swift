#if os(Linux)
    import Foundation
    import Testing

    /// Row 21 of the fault matrix: clocks that are wrong, and that are set while the run goes on.
    struct ClockTests {
        @Test("a clock that is years wrong, and clocks that are set back by an hour, change nothing")
        func clocks() throws {
            let cluster = try FaultCluster(epochs: 1)
            let library = FaultCluster.programs.appendingPathComponent("libwrong-clock.so").path
            // What a process of this name believes the time to be, beside what it is.
            func set(_ name: String, _ offset: String) throws {
                try cluster.folder.write(Array("\(offset)\n".utf8), to: "clock-\(name)")
            }
            func clock(_ name: String) -> [String: String] {
                ["LD_PRELOAD": library, "OSTR_WRONG_CLOCK": cluster.folder("clock-\(name)")]
            }
            func time(_ name: String) throws -> Int {
                let date = try RunningProcess(
                    URL(fileURLWithPath: "/bin/date"), ["+%s"], name: "date", folder: cluster.folder.path,
                    environment: clock(name))
                #expect(date.status(within: 10) == 0)
                return Int(date.output.split(separator: "\n").last ?? "") ?? 0
            }
            for name in ["coordinator", "a", "b"] { try set(name, name == "b" ? "\(1000 * 86_400)" : "0") }
            cluster.environment = clock("coordinator")
            try cluster.startCoordinator(workers: 2)
            for name in ["a", "b"] {
                cluster.environment = clock(name)
                try cluster.startWorker(name)
            }
            let now = Int(Date().timeIntervalSince1970)
            #expect(abs(try time("a") - now) < 60)
            #expect(abs(try time("b") - now - 1000 * 86_400) < 60)
            try cluster.waitForHalfStep(2)
            for name in ["coordinator", "a"] { try set(name, "-3600") }
            #expect(abs(try time("a") - now + 3600) < 60, "it was set back")
            for process in [cluster.coordinator, cluster.workers.first] {
                let maps =
                    FileHandle(forReadingAtPath: "/proc/\(process?.id ?? 0)/maps")?.readDataToEndOfFile() ?? Data()
                #expect(
                    String(decoding: maps, as: UTF8.self).contains("libwrong-clock"),
                    "the processes of the run believe it")
            }
            try cluster.expectUndisturbedResult()
            #expect(cluster.counters["lost_workers"] == 0, "\(cluster.log)")
            let times = cluster.log.compactMap { $0["seconds"] as? Double }
            #expect(times == times.sorted() && times.allSatisfy { (0..<600).contains($0) }, "\(times)")
        }
    }
#endif
