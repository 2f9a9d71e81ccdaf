import Foundation
import Synchronization

/// Standard error as it is shown to a person: kept lines, and on a terminal one status line that is rewritten.
///
/// Safe to call from any thread.
public final class Console: Sendable {
    private struct State {
        var status = ""
        var lastStatus = -Double.infinity
    }

    /// Seconds between two status lines in a pipe.
    private static let quietInterval = 10.0
    /// Seconds between two rewrites of the status line on a terminal.
    private static let redrawInterval = 0.1

    private let descriptor: Int32
    /// True on a terminal that can rewrite its line.
    public let isTerminal: Bool
    private let state = Mutex(State())

    /// - Parameter descriptor: an open file; 2 is standard error.
    public init(descriptor: Int32 = 2, environment: [String: String] = ProcessInfo.processInfo.environment) {
        self.descriptor = descriptor
        isTerminal = isatty(descriptor) == 1 && environment["TERM"] != "dumb" && environment["TERM"] != nil
    }

    /// Columns of the terminal, 80 when they cannot be told.
    public var width: Int {
        var size = winsize()
        if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 { return Int(size.ws_col) }
        return 80
    }

    /// Prints a line that stays; the status line moves below it.
    public func print(_ line: String) {
        state.withLock { state in
            if state.status.isEmpty {
                write(line + "\n")
            } else {
                write(erase(state.status) + line + "\n" + state.status)
            }
        }
    }

    /// Shows the present moment: rewritten on a terminal, now and then a line in a pipe.
    public func show(_ status: SearchProgress.Status, at seconds: Double) {
        state.withLock { state in
            let interval = isTerminal ? Console.redrawInterval : Console.quietInterval
            guard seconds - state.lastStatus >= interval else { return }
            state.lastStatus = seconds
            if isTerminal {
                let line = status.line(width: width - 1)
                write(erase(state.status) + line)
                state.status = line
            } else {
                write(status.line(width: 120) + "\n")
            }
        }
    }

    /// Takes the status line away.
    public func clearStatus() {
        state.withLock { state in
            if !state.status.isEmpty { write(erase(state.status)) }
            state.status = ""
            state.lastStatus = -Double.infinity
        }
    }

    private func erase(_ status: String) -> String { status.isEmpty ? "" : "\r\u{1B}[K" }

    private func write(_ text: String) { _ = FileWriting.writeAll(Array(text.utf8), to: descriptor) }
}
