import Logging
import Synchronization

/// Logs who was refused and why, so that nobody can fill the log: a peer gets a line when it is refused for the first,
/// the tenth, the hundredth time and so on, and only so many peers get any. Safe to use from any thread.
public final class RefusalLog: Sendable {
    /// Peers that get lines of their own.
    static let loggedPeers = 100

    private struct State {
        var counts: [String: Int] = [:]
        var total = 0
        var isFull = false
    }

    private let state = Mutex(State())
    private let logger: Logger

    /// Nobody was refused so far.
    public init(_ logger: Logger) { self.logger = logger }

    /// Refusals so far, logged or not.
    public var count: Int { state.withLock { $0.total } }

    /// Counts a refusal, and logs it when a line is due.
    ///
    /// - Parameters:
    ///   - peer: how the line begins.
    ///   - name: what the peer is told apart by: its key or its host.
    public func record(_ peer: String, as name: String, _ reason: String) {
        if let line = line(peer, as: name, reason) { logger.warning("\(line)") }
    }

    /// Counts a refusal, and gives the line that is to be shown, when one is due.
    public func line(_ peer: String, as name: String, _ reason: String) -> String? {
        state.withLock { state in
            state.total += 1
            guard state.counts[name] != nil || state.counts.count < RefusalLog.loggedPeers else {
                defer { state.isFull = true }
                return state.isFull ? nil : "more peers are refused; further ones are counted and not logged"
            }
            let count = state.counts[name, default: 0] + 1
            state.counts[name] = count
            guard RefusalLog.isPowerOfTen(count) else { return nil }
            return "refused \(peer): \(reason)" + (count > 1 ? " (\(count) times)" : "")
        }
    }

    private static func isPowerOfTen(_ number: Int) -> Bool {
        var rest = number
        while rest > 1, rest.isMultiple(of: 10) { rest /= 10 }
        return rest == 1
    }
}
