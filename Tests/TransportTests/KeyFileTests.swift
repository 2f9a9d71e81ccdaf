import Foundation
import Protocol
import TestSupport
import Testing

@testable import Transport

struct KeyFileTests {
    private static func mode(_ path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test("a key file is for its owner alone, and gives the same key when it is read")
    func create() throws {
        let folder = try TemporaryFolder()
        let old = umask(0)
        defer { umask(old) }
        let made = try KeyFile.create(at: folder("key"))
        #expect(try Self.mode(folder("key")) == 0o600)
        let read = try KeyFile.read(folder("key"))
        #expect(read.publicKey == made.publicKey && read.secret == made.secret)
        #expect(try KeyFile.create(at: folder("other")).publicKey != made.publicKey)
        #expect(made.secret != made.publicKey.bytes)
    }

    @Test("a file is never overwritten")
    func exists() throws {
        let folder = try TemporaryFolder()
        try folder.write(Array("mine".utf8), to: "key")
        #expect(throws: KeyError.exists(file: folder("key"))) { try KeyFile.create(at: folder("key")) }
        #expect(try String(contentsOfFile: folder("key"), encoding: .utf8) == "mine")
        try FileManager.default.createSymbolicLink(atPath: folder("link"), withDestinationPath: folder("target"))
        #expect(throws: KeyError.self) { try KeyFile.create(at: folder("link")) }
        #expect(!FileManager.default.fileExists(atPath: folder("target")))
        #expect(throws: KeyError.self) { try KeyFile.create(at: folder("missing/key")) }
    }

    @Test("a key that others can read or write is refused with its mode", arguments: [0o640, 0o604, 0o620, 0o602])
    func exposed(mode: Int) throws {
        let folder = try TemporaryFolder()
        _ = try KeyFile.create(at: folder("key"))
        chmod(folder("key"), mode_t(mode))
        let error = #expect(throws: KeyError.self) { try KeyFile.read(folder("key")) }
        #expect(error?.description.contains(String(mode, radix: 8)) == true)
        #expect(error?.description.contains("chmod 600 \(folder("key"))") == true)
    }

    @Test(
        "what is no key file is refused with the line, and without its content",
        arguments: [
            ("", 1), ("# a comment\nsecret\n", 2), ("ostr-secret-key 00ff\n", 1),
            ("ostr-secret-key \(String(repeating: "g", count: 64))\n", 1),
            ("\nostr-secret-key \(String(repeating: "0a", count: 32))\nsecret\n", 3),
        ])
    func malformed(text: String, line: Int) throws {
        let folder = try TemporaryFolder()
        try folder.write(Array(text.utf8), to: "key")
        chmod(folder("key"), 0o600)
        let error = try #require(#expect(throws: KeyError.self) { try KeyFile.read(folder("key")) })
        #expect(error.description.hasPrefix("\(folder("key")), line \(line): "), "\(error)")
        #expect(!error.description.contains("secret\n") && !error.description.contains("ggg"))
    }

    @Test("what is no regular file, too large or not there is refused")
    func unreadable() throws {
        let folder = try TemporaryFolder()
        mkfifo(folder("pipe"), 0o600)
        try folder.write([UInt8](repeating: 35, count: 5000), to: "large")
        for name in ["pipe", "large", "missing", "."] {
            #expect(throws: KeyError.self, "\(name)") { try KeyFile.read(folder(name)) }
        }
    }
}

struct AllowListTests {
    private let keys = (0..<3).map { PublicKey([UInt8](repeating: $0, count: 32)) }.compactMap { $0 }

    @Test("comments, empty lines, either case and spaces are fine")
    func parsing() throws {
        let text = """
            # workers of the second floor
            \(keys[0]) first

              \(keys[1].description.uppercased())\tsecond one\u{20}
            #\(keys[2]) not this one
            """
        let list = try AllowList(parsing: text, path: "list")
        #expect(list.names == [keys[0]: "first", keys[1]: "second one"])
    }

    @Test("an error names the file and the line")
    func errors() throws {
        for (line, words) in [
            ("abc name", ["64 hexadecimal digits", "`abc`"]), ("\(keys[1])", ["name", "none"]),
            ("\(keys[0]) other", ["every key once", "line 1"]), ("\(keys[1]) first", ["every name once", "line 1"]),
            ("\(keys[1])00 x", ["64 hexadecimal digits"]), (String(repeating: "a", count: 99), ["99 characters"]),
            ("\(keys[1]) " + String(repeating: "n", count: 200), ["128", "200"]),
        ] {
            let error = try #require(
                #expect(throws: KeyError.self) {
                    try AllowList(parsing: "\(keys[0]) first\n\n\(line)\n", path: "/etc/list")
                })
            #expect(error.description.hasPrefix("/etc/list, line 3: "), "\(error)")
            for word in words { #expect(error.description.contains(word), "\(error)") }
        }
    }

    @Test("a list that others can write is refused, one that others can read is not")
    func modes() throws {
        let folder = try TemporaryFolder()
        try folder.write(Array("\(keys[0]) first\n".utf8), to: "list")
        chmod(folder("list"), 0o644)
        #expect(try AllowList(reading: folder("list")).names.count == 1)
        for mode: mode_t in [0o664, 0o646] {
            chmod(folder("list"), mode)
            #expect(throws: KeyError.self) { try AllowList(reading: folder("list")) }
        }
    }

    @Test("a public key is given as digits or as a file with one line")
    func publicKey() throws {
        let folder = try TemporaryFolder()
        try folder.write(Array("\(keys[1]) coordinator\n".utf8), to: "one")
        try folder.write(Array("\(keys[1]) a\n\(keys[2]) b\n".utf8), to: "two")
        #expect(try PublicKey(text: keys[1].description) == keys[1])
        #expect(try PublicKey(text: folder("one")) == keys[1])
        #expect(throws: KeyError.self) { try PublicKey(text: folder("two")) }
        #expect(throws: KeyError.self) { try PublicKey(text: folder("missing")) }
    }
}
