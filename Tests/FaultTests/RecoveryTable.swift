#if os(Linux)
    import Foundation

    /// How long recovery took, as Markdown in the file that `OSTR_RECOVERY_TABLE` names.
    enum RecoveryTable {
        struct Row {
            var fault: String
            var noticed: Double
            var goesOn: Double
            var bounds: String
        }

        private static let lock = NSLock()
        private nonisolated(unsafe) static var rows: [Row] = []

        /// Adds what a test measured, and writes the table anew.
        static func add(_ fault: String, noticed: Double, goesOn: Double, bounds: String) {
            // The lock guards every access.
            lock.withLock {
                rows.append(Row(fault: fault, noticed: noticed, goesOn: goesOn, bounds: bounds))
                guard let path = ProcessInfo.processInfo.environment["OSTR_RECOVERY_TABLE"] else { return }
                try? text.write(toFile: path, atomically: true, encoding: .utf8)
            }
        }

        private static var text: String {
            let load =
                (try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8))?.split(separator: " ").first ?? "?"
            var lines = [
                "# Recovery", "",
                "Seconds from the fault until the coordinator noticed it, and until the next half-step was finished or the",
                "next evaluation came. Written by `Tests/FaultTests`: `OSTR_RECOVERY_TABLE=benchmarks/recovery.md swift test",
                "--filter FaultTests` (`script/test --all` does so). Debug build; \(ProcessInfo.processInfo.processorCount)",
                "processors, load \(load) at the end.", "",
                "| fault | runs | noticed: median (most) | work goes on: median (most) | bounds |",
                "|---|---|---|---|---|",
            ]
            var names: [String] = []
            for row in rows where !names.contains(row.fault) { names.append(row.fault) }
            for name in names {
                let found = rows.filter { $0.fault == name }
                lines.append(
                    "| \(name) | \(found.count) | \(figures(found.map(\.noticed))) | \(figures(found.map(\.goesOn))) | "
                        + "\(found[0].bounds) |")
            }
            return lines.joined(separator: "\n") + "\n"
        }

        private static func figures(_ values: [Double]) -> String {
            let sorted = values.sorted()
            func text(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
            return "\(text(sorted[sorted.count / 2])) (\(text(sorted.last ?? 0)))"
        }
    }
#endif
