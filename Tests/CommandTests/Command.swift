import Foundation
import TestSupport
import Testing

/// `ostr` run as a user runs it: the built executable in a process of its own.
struct Command {
    /// How a run ended.
    struct Result {
        var status: Int32
        var output: String
        var error: String

        /// Expects that the command failed with a code, one line on standard error that has all fragments, and
        /// nothing on standard output.
        func expectFailure(_ code: Int32, _ fragments: [String], sourceLocation: SourceLocation = #_sourceLocation) {
            #expect(status == code, "\(error)", sourceLocation: sourceLocation)
            #expect(output == "", sourceLocation: sourceLocation)
            #expect(error.hasPrefix("ostr: error: "), "\(error)", sourceLocation: sourceLocation)
            #expect(error.filter { $0 == "\n" }.count == 1, "\(error)", sourceLocation: sourceLocation)
            for fragment in fragments {
                #expect(error.contains(fragment), "\(error)", sourceLocation: sourceLocation)
            }
        }
    }

    /// The executable beside the test bundle.
    static var executable: URL {
        let bundle = Bundle.allBundles.map(\.bundleURL).first { $0.pathExtension == "xctest" }
        let runner = URL(fileURLWithPath: ProcessInfo.processInfo.arguments[0]).resolvingSymlinksInPath()
        return (bundle ?? runner).deletingLastPathComponent().appendingPathComponent("ostr")
    }

    /// Runs to the end, at most `seconds`; what is still running then is killed and fails the test.
    ///
    /// - Parameters:
    ///   - program: what is run; nil for `ostr`.
    ///   - disturb: called with the process's id on a thread of its own, once it runs.
    static func run(
        _ arguments: [String], in folder: TemporaryFolder, environment: [String: String] = [:], seconds: Double = 120,
        program: URL? = nil, disturb: (@Sendable (Int32) -> Void)? = nil
    ) async throws -> Result {
        let process = Process()
        process.executableURL = program ?? executable
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        process.environment = ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"].merging(environment) { _, new in new }
        process.standardInput = FileHandle.nullDevice
        let unique = UUID().uuidString
        let outputFile = FileManager.default.temporaryDirectory.appendingPathComponent("ostr-\(unique).out")
        let errorFile = FileManager.default.temporaryDirectory.appendingPathComponent("ostr-\(unique).err")
        for file in [outputFile, errorFile] { try Data().write(to: file) }
        defer { for file in [outputFile, errorFile] { try? FileManager.default.removeItem(at: file) } }
        process.standardOutput = try FileHandle(forWritingTo: outputFile)
        process.standardError = try FileHandle(forWritingTo: errorFile)
        let timer = DispatchSource.makeTimerSource()
        timer.schedule(deadline: .now() + seconds)
        await withCheckedContinuation { continuation in
            process.terminationHandler = { _ in continuation.resume() }
            do {
                try process.run()
                let identifier = process.processIdentifier
                timer.setEventHandler {
                    Issue.record("ostr \(arguments.joined(separator: " ")) ran longer than \(seconds) s")
                    kill(identifier, SIGKILL)
                }
                timer.activate()
                if let disturb { Thread { disturb(identifier) }.start() }
            } catch {
                Issue.record("cannot start \(executable.path): \(error)")
                continuation.resume()
            }
        }
        timer.cancel()
        return Result(
            status: process.terminationStatus,
            output: String(decoding: try Data(contentsOf: outputFile), as: UTF8.self),
            error: String(decoding: try Data(contentsOf: errorFile), as: UTF8.self))
    }
}
