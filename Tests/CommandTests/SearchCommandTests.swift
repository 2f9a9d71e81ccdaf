import Checkpoint
import Foundation
import TestSupport
import Testing

@Suite struct SearchCommandTests {
    /// The parts of `summary.json` that are looked at.
    struct Summary: Decodable {
        struct Measure: Decodable {
            var loss: Double
            var accuracy: Double
            var images: Int
        }
        struct Cell: Decodable {
            struct Accuracy: Decodable {
                var dataset: String
                var validation: Double
                var test: Double
                var rank: Int
            }
            var architecture: String
            var accuracies: [Accuracy]
        }
        var digest: String
        var genotype: String
        var architecture: String
        var magnitudeArchitecture: String
        var seconds: Double
        var strengthImages: Int
        var configurationDigest: String
        var workers: Int
        var supernet: Measure
        var strengthCell: Cell
        var magnitudeCell: Cell
    }

    private func summary(_ folder: String) throws -> Summary {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(
            Summary.self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/summary.json")))
    }

    private func text(_ file: String) throws -> String { try String(contentsOfFile: file, encoding: .utf8) }

    @Test("a search in one process leaves a whole run folder and prints both cells")
    func inOneProcess() async throws {
        let images = try SmallImages()
        let folder = try TemporaryFolder()
        let result = try await Command.run(
            ["search"] + images.searchOptions + ["--workers", "0", "--output", folder("runs/first")], in: folder)
        try #require(result.status == 0, "\(result.error)")
        let run = folder("runs/first")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: run).sorted() == [
                "config.json", "genotype.dot", "genotype.svg", "genotype.txt", "log.jsonl", "strengths.csv",
                "summary.json",
                "supernet.safetensors",
            ])

        let summary = try summary(run)
        #expect(summary.digest.wholeMatch(of: /[0-9a-f]{64}/) != nil)
        #expect(summary.strengthImages == 128)
        #expect(summary.seconds > 0 && summary.workers == 0)
        #expect(summary.strengthCell.architecture == summary.architecture)
        #expect(summary.magnitudeCell.architecture == summary.magnitudeArchitecture)
        #expect(try text(run + "/genotype.txt") == summary.architecture + "\n" + summary.genotype + "\n")

        #expect(result.output.contains("by strength") && result.output.contains("by magnitude"))
        #expect(result.output.contains("15,625"))
        #expect(result.output.contains(run))
        #expect(!result.output.contains("\u{1B}") && !result.error.contains("\u{1B}"), "no escape codes in a pipe")
        #expect(result.error.contains("epoch 1/1"))

        let strengths = try text(run + "/strengths.csv").split(separator: "\n")
        #expect(strengths.first == "edge,operation,beta,mean_loss,strength,complete,shards,chosen")
        #expect(strengths.count == 1 + 6 * 5)
        #expect(strengths.filter { $0.hasSuffix(",true") }.count == 6, "one operation an edge is chosen")
        #expect(strengths[1].hasPrefix("1<-0,none,"))

        let log = try text(run + "/log.jsonl").split(separator: "\n")
        let events = try log.map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return (try #require(object?["seconds"] as? Double), try #require(object?["event"] as? String))
        }
        #expect(zip(events, events.dropFirst()).allSatisfy { $0.0 <= $1.0 }, "seconds never fall")
        #expect(events.filter { $0.1 == "half_step" }.count == 2 * 4)
        #expect(events.filter { $0.1 == "edge_decided" }.count == 6)

        let config =
            try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: run + "/config.json")))
            as? [String: Any]
        let configuration = try #require(config?["configuration"] as? [String: Any])
        #expect(configuration["epochs"] as? Int == 1 && configuration["shards"] as? Int == 4)
        #expect(configuration["images"] == nil, "the preset asks for more images than there are: all are used")

        let supernet = try SafetensorsFile(reading: run + "/supernet.safetensors")
        #expect(supernet.metadata["channels"] == "4" && supernet.metadata["epochs"] == "1")
        #expect(supernet.tensors["alphas.arch"]?.shape == [6, 5])
    }

    @Test(
        "a search that trains between decisions ends the same with workers and without, and goes on when it was killed")
    func fineTuned() async throws {
        let folder = try TemporaryFolder()
        let images = try SmallImages(count: 64)
        let options =
            images.searchOptions + [
                "--batch", "16", "--shards", "4", "--fine-tune-epochs", "1", "--strength-images", "16",
            ]
        var digests: [String] = []
        for workers in ["0", "2"] {
            let result = try await Command.run(
                ["search", "--workers", workers, "--output", folder(workers)] + options, in: folder)
            try #require(result.status == 0, "\(result.error)")
            #expect(result.error.contains("between decisions: epoch 1/1"))
            let summary = try String(contentsOfFile: folder("\(workers)/summary.json"), encoding: .utf8)
            digests.append(String(try #require(summary.firstMatch(of: /"digest" : "([0-9a-f]{64})"/)).1))
        }
        #expect(digests[0] == digests[1])

        // One that is killed in the midst goes on, with workers or without.
        let log = folder("killed/log.jsonl")
        let decisions: @Sendable () -> Int = {
            ((try? String(contentsOfFile: log, encoding: .utf8)) ?? "").components(separatedBy: "\"edge_decided\"")
                .count
                - 1
        }
        var killed = try await Command.run(
            ["search", "--workers", "2", "--checkpoint-every", "1", "--output", folder("killed")] + options, in: folder
        ) { process in
            let limit = ContinuousClock.now + .seconds(60)
            while decisions() < 2, ContinuousClock.now < limit { usleep(5000) }
            kill(process, SIGKILL)
        }
        #expect(killed.status == SIGKILL && (2..<6).contains(decisions()))
        killed = try await Command.run(["search", "--resume", folder("killed"), "--workers", "0"], in: folder)
        try #require(killed.status == 0, "\(killed.error)")
        let summary = try String(contentsOfFile: folder("killed/summary.json"), encoding: .utf8)
        #expect(summary.contains("\"digest\" : \"\(digests[0])\""))
        #expect(killed.error.contains("edge 1<-0"), "what was decided is told again")
        #expect(!killed.error.contains("training the supernet"), "and the supernet's training is over")
    }

    @Test("seeds and options change the digest; the output's place does not")
    func digests() async throws {
        let images = try SmallImages()
        let folder = try TemporaryFolder()
        func digest(_ name: String, _ options: [String]) async throws -> String {
            let result = try await Command.run(
                ["search"] + images.searchOptions + ["--workers", "0", "--output", folder(name)] + options, in: folder)
            try #require(result.status == 0, "\(result.error)")
            return try summary(folder(name)).digest
        }
        let first = try await digest("a", [])
        #expect(try await digest("b", []) == first)
        #expect(try await digest("c", ["--seed", "1"]) != first)
        #expect(try await digest("d", ["--step-order", "weights-first"]) != first)
        #expect(try await digest("e", ["--shards", "2"]) != first)
    }

    @Test("local workers give the numbers of one process, and are gone afterwards", arguments: [1, 2, 3])
    func localWorkers(_ workers: Int) async throws {
        let images = try SmallImages()
        let folder = try TemporaryFolder()
        var digests: [String] = []
        for count in [0, workers] {
            let result = try await Command.run(
                ["search"] + images.searchOptions + ["--workers", "\(count)", "--output", folder("run\(count)")],
                in: folder)
            try #require(result.status == 0, "\(result.error)")
            digests.append(try summary(folder("run\(count)")).digest)
        }
        #expect(digests[0] == digests[1])
        #expect(folder.contents == ["run0", "run\(workers)"].sorted())
    }

    @Test("a selection from the supernet of a search chooses what the search chose, with and without workers")
    func select() async throws {
        let images = try SmallImages()
        let folder = try TemporaryFolder()
        var result = try await Command.run(
            ["search"] + images.searchOptions + ["--workers", "0", "--output", folder("search")], in: folder)
        try #require(result.status == 0, "\(result.error)")
        for workers in ["0", "2"] {
            let run = folder("select\(workers)")
            result = try await Command.run(
                [
                    "select", "--supernet", folder("search/supernet.safetensors"), "--data", images.folder.path,
                    "--batch", "32", "--shards", "4", "--workers", workers, "--output", run,
                ], in: folder)
            try #require(result.status == 0, "\(result.error)")
            #expect(try summary(run).architecture == summary(folder("search")).architecture)
            #expect(try summary(run).supernet.loss == summary(folder("search")).supernet.loss)
            #expect(try text(run + "/strengths.csv") == text(folder("search/strengths.csv")))
        }
    }

    @Test("the full table chooses the same cell and leaves no row incomplete")
    func fullTable() async throws {
        let images = try SmallImages()
        let folder = try TemporaryFolder()
        for (name, options) in [("pruned", []), ("full", ["--full-table"])] as [(String, [String])] {
            let result = try await Command.run(
                ["search"] + images.searchOptions + ["--workers", "0", "--output", folder(name)] + options, in: folder)
            try #require(result.status == 0, "\(result.error)")
        }
        #expect(try summary(folder("full")).architecture == summary(folder("pruned")).architecture)
        #expect(try !text(folder("full/strengths.csv")).contains(",false,16,"))
        #expect(
            try text(folder("full/strengths.csv")).split(separator: "\n").dropFirst().allSatisfy {
                $0.contains(",true,16,")
            })
    }

    @Test("criteria are compared in one table, and each of them gives what it gives alone")
    func criteria() async throws {
        let images = try SmallImages()
        let folder = try TemporaryFolder()
        var result = try await Command.run(
            ["search"] + images.searchOptions + ["--workers", "0", "--output", folder("search")], in: folder)
        try #require(result.status == 0, "\(result.error)")
        let select = [
            "select", "--supernet", folder("search/supernet.safetensors"), "--data", images.folder.path, "--batch",
            "32",
            "--shards", "4", "--strength-images", "32",
        ]
        let names = ["strength", "removal", "magnitude", "first-order", "random"]
        result = try await Command.run(
            select + names.flatMap { ["--criterion", $0] } + ["--output", folder("table")], in: folder)
        try #require(result.status == 0, "\(result.error)")
        let rows = try text(folder("table/criteria.csv")).split(separator: "\n").dropFirst().map {
            $0.split(separator: ",")
        }
        // Three weights of strength; each with and without `none`.
        #expect(rows.count == 2 * (3 + 4))
        #expect(rows.allSatisfy { names.contains(String($0[0])) && $0[2] == "true" ? !$0[9].contains("none") : true })
        #expect(result.output.contains("mixture's variance, without none"))
        #expect(result.output.contains("CIFAR-10 test"))

        let alone = [
            ("strength", "variance", ["--operation-weight", "variance"]),
            ("removal", "one", ["--criterion", "removal"]),
        ]
        for (name, weight, options) in alone {
            for workers in ["0", "2"] {
                let run = folder("\(name)\(workers)")
                result = try await Command.run(
                    select + options + ["--exclude-none", "--workers", workers, "--output", run], in: folder)
                try #require(result.status == 0, "\(result.error)")
                let row = try #require(rows.first { $0[0] == name && $0[1] == weight && $0[2] == "true" })
                #expect(try "\"\(summary(run).architecture)\"" == row[9])
            }
            #expect(result.output.contains("by \(name)"))
        }
        for workers in ["0", "1", "4"] {
            result = try await Command.run(
                select + names.flatMap { ["--criterion", $0] } + ["--workers", workers, "--output", folder(workers)],
                in: folder)
            try #require(result.status == 0, "\(result.error)")
            #expect(try text(folder(workers + "/criteria.csv")) == text(folder("table/criteria.csv")))
            #expect(result.error.contains("comparing 14 criteria on 32 held-out images"), "\(result.error)")
            #expect(result.error.contains("chosen by first-order, without none"), "\(result.error)")
        }
    }

    @Test("a search in the DARTS space keeps two edges a node, and a selection from its supernet chooses the same")
    func darts() async throws {
        struct DARTSSummary: Decodable {
            struct Cell: Decodable {
                var genotype: String
                var kept: [Bool]
            }
            var genotype: String
            var architecture: String?
            var strengthCell: Cell
            var magnitudeCell: Cell
        }
        let images = try SmallImages(count: 48)
        let folder = try TemporaryFolder()
        func summary(_ name: String) throws -> DARTSSummary {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return try decoder.decode(
                DARTSSummary.self, from: Data(contentsOf: URL(fileURLWithPath: folder(name + "/summary.json"))))
        }
        let batches = ["--batch", "8", "--shards", "1", "--workers", "0", "--data", images.folder.path]
        var result = try await Command.run(
            [
                "search", "--space", "darts", "--channels", "2", "--cells", "3", "--epochs", "1", "--dataset", "mnist",
                "--output", folder("search"),
            ] + batches, in: folder)
        try #require(result.status == 0, "\(result.error)")
        let found = try summary("search")
        #expect(found.architecture == nil)
        #expect(found.strengthCell.kept.count { $0 } == 16)
        #expect(found.magnitudeCell.kept.count { $0 } == 16)
        #expect(try text(folder("search/genotype.txt")) == found.genotype + "\n")
        #expect(found.genotype.hasPrefix("Genotype(normal=[('"))
        #expect(!found.genotype.contains("none"))
        let strengths = try text(folder("search/strengths.csv"))
        // 28 edges with 7 candidates, and the edges of the six nodes that have more than two.
        let lines = 1 + 28 * 7 + 24
        #expect(strengths.split(separator: "\n").count == lines)
        #expect(strengths.contains("reduce.5<-4,left_out,,"))

        result = try await Command.run(
            ["select", "--supernet", folder("search/supernet.safetensors"), "--output", folder("select")] + batches,
            in: folder)
        try #require(result.status == 0, "\(result.error)")
        #expect(try summary("select").genotype == found.genotype)
        result = try await Command.run(
            [
                "select", "--supernet", folder("search/supernet.safetensors"), "--edge-choice", "all", "--output",
                folder("all"),
            ] + batches, in: folder)
        try #require(result.status == 0, "\(result.error)")
        #expect(try summary("all").strengthCell.kept.allSatisfy { $0 })
    }
}
