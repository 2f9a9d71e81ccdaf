#if os(Linux)
    import Foundation

    /// A process of a test, which is ended by its id when this object goes.
    final class RunningProcess: @unchecked Sendable {
        // `Process` is used by one thread at a time here: that of the test.
        private let process = Process()
        let name: String
        private let errorFile: String

        init(
            _ program: URL, _ arguments: [String], name: String, folder: String, environment: [String: String] = [:]
        ) throws {
            self.name = name
            errorFile = "\(folder)/\(name)-\(UUID().uuidString.prefix(8)).err"
            process.executableURL = program
            process.arguments = arguments
            process.environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "TMPDIR": folder]
                .merging(environment) { _, new in new }
            process.currentDirectoryURL = URL(fileURLWithPath: folder)
            process.standardInput = FileHandle.nullDevice
            _ = FileManager.default.createFile(atPath: errorFile, contents: nil)
            let output = try FileHandle(forWritingTo: URL(fileURLWithPath: errorFile))
            process.standardOutput = output
            process.standardError = output
            try process.run()
        }

        deinit { end() }

        var id: Int32 { process.processIdentifier }
        var isRunning: Bool { process.isRunning }

        /// What it has written.
        var output: String { (try? String(contentsOfFile: errorFile, encoding: .utf8)) ?? "" }

        func send(_ signal: Int32) { kill(id, signal) }

        /// Kills it, if it still runs, and waits for it.
        func end() {
            if process.isRunning {
                kill(id, SIGCONT)
                kill(id, SIGKILL)
            }
            process.waitUntilExit()
        }

        /// How it ended; nil when it did not in time.
        func status(within seconds: Double) -> Int32? {
            guard wait(seconds, until: { !self.process.isRunning }) else { return nil }
            return process.terminationStatus
        }

        /// Its memory in bytes without that of files: what it has allocated and not given back.
        var allocatedBytes: Int {
            let text = (try? String(contentsOfFile: "/proc/\(id)/status", encoding: .utf8)) ?? ""
            let line = text.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
            return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first).flatMap { Int($0) }.map { $0 * 1024 }
                ?? 0
        }

        /// Its memory in bytes.
        var residentBytes: Int {
            let text = (try? String(contentsOfFile: "/proc/\(id)/statm", encoding: .utf8)) ?? ""
            let fields = text.split(separator: " ")
            return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
        }

        var openDescriptors: Int {
            ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(id)/fd")) ?? []).count
        }
    }

    /// Looks every 5 ms until a condition holds; false when it does not in time.
    @discardableResult
    func wait(_ seconds: Double, until condition: () -> Bool) -> Bool {
        let limit = ContinuousClock.now + .seconds(seconds)
        while !condition() {
            if ContinuousClock.now > limit { return false }
            usleep(5000)
        }
        return true
    }
#endif
