#if os(Linux)
    import Foundation
    import TestSupport
    import Testing

    /// An `ostr` process that runs beside others. It is ended by its id when the last reference goes.
    final class RunningCommand: Sendable {
        let arguments: [String]
        private let process: Process
        private let errorFile: String

        /// Starts in a folder, which also gets the file that standard error goes to.
        init(_ arguments: [String], in folder: TemporaryFolder) throws {
            self.arguments = arguments
            errorFile = folder("stderr-\(UUID().uuidString)")
            try Data().write(to: URL(fileURLWithPath: errorFile))
            process = Process()
            process.executableURL = Command.executable
            process.arguments = arguments
            process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
            process.environment = ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"]
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errorFile))
            try process.run()
        }

        deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

        var id: Int32 { process.processIdentifier }
        var error: String { (try? String(contentsOfFile: errorFile, encoding: .utf8)) ?? "" }
        var isRunning: Bool { process.isRunning }

        /// The most memory that it ever had, in bytes; 0 when it has ended.
        var peakMemory: Int {
            let status = (try? String(contentsOfFile: "/proc/\(id)/status", encoding: .utf8)) ?? ""
            let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
            return (line?.split(separator: " ").dropFirst().first).flatMap { Int($0) }.map { $0 * 1024 } ?? 0
        }

        /// Its exit status; nil, and an issue, when it still runs after so many seconds.
        func status(
            within seconds: Double = 120, sourceLocation: SourceLocation = #_sourceLocation
        ) -> Int32? {
            guard wait(seconds, until: { !process.isRunning }) else {
                Issue.record(
                    "ostr \(arguments.joined(separator: " ")) still runs after \(seconds) s: \(error)",
                    sourceLocation: sourceLocation)
                return nil
            }
            return process.terminationStatus
        }
    }

    /// Whether a condition comes to hold in time; it is looked at every 20 ms.
    func wait(_ seconds: Double, until condition: () -> Bool) -> Bool {
        let end = ContinuousClock.now + .milliseconds(Int(seconds * 1000))
        while !condition() {
            if ContinuousClock.now > end { return false }
            poll(nil, 0, 20)
        }
        return true
    }

    /// A port of this machine that nobody listens at.
    func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        try #require(isBound)
        return UInt16(bigEndian: address.sin_port)
    }
#endif
