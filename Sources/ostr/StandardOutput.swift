import Foundation
import Reporting

/// Standard output: the answer, and nothing else.
enum StandardOutput {
    /// Line drawing where the locale is UTF-8, `+-|` elsewhere.
    static var frame: TextTable.Frame {
        let environment = ProcessInfo.processInfo.environment
        let locale =
            ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        let normalised = locale.lowercased().replacingOccurrences(of: "-", with: "")
        return normalised.contains("utf8") ? .lines : .ascii
    }

    /// Writes lines.
    static func print(_ lines: [String]) throws(Failure) {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data((lines.joined(separator: "\n") + "\n").utf8))
        } catch {
            throw Failure(.inputOutput, "cannot write to standard output: \(error.localizedDescription)")
        }
    }
}
