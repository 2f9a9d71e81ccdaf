import Foundation
import TestSupport
import Testing

@testable import Reporting

@Suite struct ConsoleTests {
    private func status(_ done: Int) -> SearchProgress.Status {
        SearchProgress.Status(text: "step \(done)", fraction: Double(done) / 100, remaining: nil, detail: "")
    }

    @Test("into a file go whole lines without escape codes, and a status line only every ten seconds")
    func pipe() throws {
        let temporary = try TemporaryFolder()
        let path = temporary("output")
        let descriptor = open(path, O_WRONLY | O_CREAT, 0o600)
        defer { close(descriptor) }
        let console = Console(descriptor: descriptor, environment: ["TERM": "xterm"])
        #expect(!console.isTerminal)
        for second in 0..<25 { console.show(status(second), at: Double(second)) }
        console.print("done")
        console.clearStatus()
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(!text.contains("\u{1B}") && !text.contains("\r"))
        let lines = text.split(separator: "\n")
        #expect(lines.count == 4)
        #expect(lines.last == "done")
        #expect(lines.map { $0.prefix(7) }.dropLast() == ["step 0 ", "step 10", "step 20"])
    }

    @Test("on a terminal the status line is rewritten, and kept lines go above it")
    func terminal() throws {
        var parent: Int32 = 0
        var child: Int32 = 0
        try #require(openpty(&parent, &child, nil, nil, nil) == 0)
        defer {
            close(parent)
            close(child)
        }
        let console = Console(descriptor: child, environment: ["TERM": "xterm"])
        #expect(console.isTerminal)
        console.show(status(1), at: 0)
        console.show(status(2), at: 0.01)
        console.show(status(3), at: 1)
        console.print("kept")
        console.clearStatus()
        // A pseudo-terminal hands over what was written piece by piece.
        var text = ""
        while !text.hasSuffix("\r\u{1B}[K") || !text.contains("kept") {
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = read(parent, &bytes, bytes.count)
            try #require(count > 0)
            text += String(decoding: bytes[..<count], as: UTF8.self)
        }
        #expect(text.contains("step 1") && text.contains("\r\u{1B}[Kstep 3"))
        #expect(!text.contains("step 2"), "rewritten at most ten times a second")
        #expect(text.contains("\r\u{1B}[Kkept\r\nstep 3"))
        #expect(text.hasSuffix("\r\u{1B}[K"))
    }

    @Test("a dumb terminal is treated as a pipe")
    func dumb() throws {
        var parent: Int32 = 0
        var child: Int32 = 0
        try #require(openpty(&parent, &child, nil, nil, nil) == 0)
        defer {
            close(parent)
            close(child)
        }
        #expect(!Console(descriptor: child, environment: ["TERM": "dumb"]).isTerminal)
        #expect(!Console(descriptor: child, environment: [:]).isTerminal)
    }
}
