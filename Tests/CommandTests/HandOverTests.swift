#if os(Linux) && arch(x86_64)
    import CProcessor
    import Foundation
    import TestSupport
    import Testing

    /// A folder with a copy of the program, and scripts in the places of programs for other instruction sets.
    private struct Programs {
        /// In ascending order, which is that of the alphabet.
        static let sets = ["portable", "x86-64-v3", "x86-64-v4"]
        static let own = String(cString: ostr_processor_built_for())
        /// What the scripts end with.
        static let status: Int32 = 7

        let folder: TemporaryFolder

        /// - Parameter scripts: the sets that there are scripts for.
        init(scripts: [String]) throws {
            folder = try TemporaryFolder()
            try put(as: "ostr")
            for set in scripts {
                let text = "#!/bin/sh\necho script \(set) \"$OSTR_ISA\" \"$@\"\nexit \(Programs.status)\n"
                let path = try folder.write(Data(text.utf8), to: Programs.file(set))
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
            }
        }

        /// The file of a set's program; the copy is called `ostr` whatever it is built for.
        static func file(_ set: String) -> String { set == "x86-64-v3" ? "ostr" : "ostr-\(set)" }

        /// Sets whose programs can stand beside the copy.
        static func others(_ isWanted: (String) -> Bool = { _ in true }) -> [String] {
            sets.filter { $0 != own && file($0) != "ostr" && isWanted($0) }
        }

        /// Puts the built program into the folder; links lead to other folders, so it is no link.
        func put(as name: String) throws {
            let path = folder(name)
            do {
                try FileManager.default.linkItem(
                    atPath: Command.executable.resolvingSymlinksInPath().path, toPath: path)
            } catch {
                try FileManager.default.copyItem(
                    atPath: Command.executable.resolvingSymlinksInPath().path, toPath: path)
            }
        }

        func run(
            _ arguments: [String], as name: String = "ostr", environment: [String: String] = [:]
        ) async throws -> Command.Result {
            try await Command.run(
                arguments, in: folder, environment: environment, program: URL(fileURLWithPath: folder(name)))
        }
    }

    extension Command.Result {
        fileprivate func expectScript(_ set: String, _ arguments: String) {
            #expect(status == Programs.status, "\(error)")
            #expect(output == "script \(set) \(set) \(arguments)\n")
            #expect(error == "")
        }

        fileprivate func expectOwnVersion() {
            #expect(status == 0, "\(error)")
            #expect(output.hasSuffix(" (\(Programs.own))\n"), "\(output)")
        }
    }

    @Suite struct HandOverTests {
        @Test("the program hands over, with its arguments, to the best one that this processor has")
        func best() async throws {
            let others = Programs.others()
            let result = try await Programs(scripts: others).run(["--version", "a b"])
            let best = try #require((others + [Programs.own]).filter { ostr_processor_has($0) }.max())
            if best == Programs.own {
                result.expectOwnVersion()
            } else {
                result.expectScript(best, "--version a b")
            }
        }

        @Test("with nothing better beside it the program stays itself")
        func stays() async throws {
            let worse = Programs.others { $0 < Programs.own }
            for scripts in [[], worse] { try await Programs(scripts: scripts).run(["--version"]).expectOwnVersion() }
        }

        @Test("a program that is called by its set stays itself")
        func named() async throws {
            let programs = try Programs(scripts: Programs.others())
            let name = "ostr-\(Programs.own)"
            try programs.put(as: name)
            try await programs.run(["--version"], as: name).expectOwnVersion()
        }

        @Test("OSTR_ISA and --isa pin a set, and --isa has the last word")
        func pins() async throws {
            let programs = try Programs(scripts: Programs.others())
            let other = try #require(Programs.others { ostr_processor_has($0) }.first)
            try await programs.run(["query", "x"], environment: ["OSTR_ISA": other]).expectScript(other, "query x")
            try await programs.run(["worker", "--isa", other, "--connect", "x"])
                .expectScript(other, "worker --isa \(other) --connect x")
            try await programs.run(["bench", "--isa=\(other)"], environment: ["OSTR_ISA": Programs.own])
                .expectScript(other, "bench --isa=\(other)")
            try await programs.run(["--version"], environment: ["OSTR_ISA": Programs.own]).expectOwnVersion()
        }

        @Test("a set that does not exist is refused with the names of those that do")
        func unknown() async throws {
            let programs = try Programs(scripts: [])
            try await programs.run(["--version"], environment: ["OSTR_ISA": "avx"])
                .expectFailure(64, ["OSTR_ISA=avx", "portable, x86-64-v3, x86-64-v4"])
            for command in [["bench"], ["worker", "--connect", "ipc://x"]] {
                try await programs.run(command + ["--isa", "avx"])
                    .expectFailure(64, ["--isa", "avx", "portable", "x86-64-v4"])
            }
        }

        @Test("a set without a program that can be started, or that the processor lacks, is refused")
        func missing() async throws {
            let programs = try Programs(scripts: [])
            for set in Programs.others() {
                // There, but nothing to execute.
                try programs.folder.write([], to: "ostr-\(set)")
                let reasons =
                    ostr_processor_has(set) ? ["ostr-\(set)", "script/build-all"] : ["this processor lacks", set]
                try await programs.run(["--version"], environment: ["OSTR_ISA": set])
                    .expectFailure(69, ["OSTR_ISA=\(set)"] + reasons)
                try await programs.run(["bench", "--isa", set]).expectFailure(69, ["--isa \(set)"] + reasons)
            }
        }

        @Test("a program under another set's name is handed over to once, and refuses")
        func loop() async throws {
            let programs = try Programs(scripts: [])
            let other = try #require(Programs.others { ostr_processor_has($0) }.first)
            try programs.put(as: "ostr-\(other)")
            try await programs.run(["--version"], environment: ["OSTR_ISA": other])
                .expectFailure(69, ["ostr-\(other)", "built for \(Programs.own)"])
        }

        @Test("worker processes compute with the set of the program that starts them")
        func workers() async throws {
            let programs = try Programs(scripts: Programs.others())
            let options = ["--isa", Programs.own, "--workers", "2", "--steps", "1"]
            for work in [
                ["allreduce", "--mib", "1"], ["weights", "--channels", "4", "--cells", "1", "--batch", "32"],
            ] {
                let result = try await programs.run(["bench", "--work"] + work + options)
                #expect(result.status == 0, "\(result.error)")
                #expect(result.output.contains("\"isa\":\"\(Programs.own)\""), "\(result.output)")
            }
        }

        @Test("a worker logs what it computes with")
        func log() async throws {
            let result = try await Programs(scripts: []).run([
                "worker", "--connect", "tcp://127.0.0.1:1", "--insecure", "--connect-timeout", "0.1", "--log-level",
                "info",
            ])
            #expect(result.status == 69)
            #expect(result.error.contains("info ostr.worker: computes with \(Programs.own)"), "\(result.error)")
        }
    }
#endif
