import Foundation
import Kernels
import Reporting

/// Where the time of a step goes, by operation and pass.
struct ProfileTable {
    /// One operation in one pass, of one step.
    struct Row: Encodable {
        var operation: String
        var pass: String
        var calls: Int
        var seconds: Double
        /// Of the step.
        var share: Double
        var multiplyAdds: Int
        var bytes: Int
        /// The least time that peak and memory allow, over the time taken; above 1 where a cache had the operands.
        var ofBound: Double?
        /// `FMA` or `memory`.
        var bound: String?

        enum CodingKeys: String, CodingKey {
            case operation, pass, calls, seconds, share, bytes, bound
            case multiplyAdds = "multiply_adds"
            case ofBound = "of_bound"
        }
    }

    /// The largest first; `other` is what no kernel accounts for.
    let rows: [Row]
    let bounds: MachineBounds
    private let secondsProfiled: Double
    private let secondsPlain: Double
    /// What the profile itself takes of a step.
    private let secondsOfProfile: Double

    /// - Parameters:
    ///   - profiled: seconds of the steps that `entries` are the sums of.
    ///   - plain: seconds of steps without a profile.
    init(_ entries: [Profile.Key: Profile.Entry], profiled: [Double], plain: [Double], bounds: MachineBounds) {
        let steps = max(profiled.count, 1)
        let total = profiled.reduce(0, +) / Double(steps)
        var sums: [String: Row] = [:]
        for (key, entry) in entries {
            let name = "\(key.operation)|\(key.pass.rawValue)"
            var row =
                sums[name]
                ?? Row(
                    operation: key.operation, pass: key.pass.rawValue, calls: 0, seconds: 0, share: 0, multiplyAdds: 0,
                    bytes: 0)
            row.calls += entry.calls / steps
            row.seconds += Double(entry.nanoseconds) * 1e-9 / Double(steps)
            row.multiplyAdds += entry.multiplyAdds / steps
            row.bytes += entry.bytes / steps
            sums[name] = row
        }
        var rows = sums.values.map { row in
            var row = row
            let compute = 2 * Double(row.multiplyAdds) / (bounds.fmaPeak * 1e9)
            let memory = Double(row.bytes) / (bounds.memory * 1e9)
            row.share = total > 0 ? row.seconds / total : 0
            row.bound = compute > memory ? "FMA" : "memory"
            row.ofBound = row.seconds > 0 ? max(compute, memory) / row.seconds : nil
            return row
        }
        rows.sort { ($0.seconds, $0.operation, $0.pass) > ($1.seconds, $1.operation, $1.pass) }
        let other = total - rows.reduce(0) { $0 + $1.seconds }
        rows.append(
            Row(
                operation: "other", pass: "", calls: 0, seconds: other, share: total > 0 ? other / total : 0,
                multiplyAdds: 0, bytes: 0))
        self.rows = rows
        self.bounds = bounds
        secondsProfiled = total
        secondsPlain = plain.reduce(0, +) / Double(max(plain.count, 1))
        secondsOfProfile = Double(rows.reduce(0) { $0 + $1.calls }) * Self.secondsOfSpan()
    }

    /// What it takes to note one call of a kernel; the least of several tries.
    private static func secondsOfSpan() -> Double {
        let count = 1000
        Profile.current = Profile(now: ProfileTable.now)
        defer { Profile.current = nil }
        let times = (0..<20).map { _ in
            ContinuousClock().measure {
                for _ in 0..<count {
                    Profile.enter("nothing", floats: 0)
                    Profile.leave()
                }
            }
        }
        return (times.min() ?? .zero) / .seconds(1) / Double(count)
    }

    /// Nanoseconds since some moment.
    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// For a terminal.
    var lines: [String] {
        var table = TextTable(header: [
            "operation, pass", "ms a step", "share", "calls", "GFLOP/s", "GB/s", "of bound", "bound",
        ])
        func number(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
        for row in rows {
            let perSecond = row.seconds > 0 ? 1 / row.seconds / 1e9 : 0
            table.append([
                row.pass.isEmpty ? row.operation : "\(row.operation), \(row.pass)",
                number(row.seconds * 1000, 2), "\(number(row.share * 100, 1)) %",
                row.calls > 0 ? "\(row.calls)" : "",
                row.multiplyAdds > 0 ? number(2 * Double(row.multiplyAdds) * perSecond, 1) : "",
                row.bytes > 0 ? number(Double(row.bytes) * perSecond, 1) : "",
                row.ofBound.map { "\(number($0 * 100, 0)) %" } ?? "", row.bound ?? "",
            ])
        }
        table.appendRule()
        let all = rows.reduce(0) { $0 + 2 * Double($1.multiplyAdds) }
        let bytes = rows.reduce(0) { $0 + Double($1.bytes) }
        table.append([
            "a step", number(secondsProfiled * 1000, 2), "100.0 %", "\(rows.reduce(0) { $0 + $1.calls })",
            number(all / secondsProfiled / 1e9, 1), number(bytes / secondsProfiled / 1e9, 1),
            "\(number(100 * all / (bounds.fmaPeak * 1e9) / secondsProfiled, 0)) %", "FMA",
        ])
        return table.lines(StandardOutput.frame) + [
            "Without the profile a step takes \(number(secondsPlain * 1000, 2)) ms; noting the calls takes "
                + "\(number(secondsOfProfile * 1000, 2)) ms of it. All are means over the steps.",
            "Bounds of one core: \(number(bounds.fmaPeak, 1)) GFLOP/s; triad \(number(bounds.memory, 1)) GB/s from "
                + "memory, \(number(bounds.cache, 1)) GB/s in the second-level cache.",
            "Operations are those of direct summation, of which Winograd needs a quarter; bytes are each operand once. More "
                + "than 100 % of the memory bound means that a cache had the operands.",
        ]
    }
}
