import ArgumentParser
import Foundation
import Logging
import Reporting

/// swift-log's messages as plain lines on standard error, above the progress line.
struct ConsoleLog: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    private let label: String
    private let console: Console

    init(label: String, level: Logger.Level, console: Console) {
        self.label = label
        logLevel = level
        self.console = console
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line = "\(event.level) \(label): \(event.message)"
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(value)" }
        console.print(line)
    }
}

/// How much of the log is shown.
struct LogOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Show log messages of this level and above.", valueName: "level"))
    var logLevel: Logger.Level = .warning

    /// To be called once, before the first logger is made.
    func start() {
        let level = logLevel
        LoggingSystem.bootstrap { ConsoleLog(label: $0, level: level, console: Program.console) }
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
