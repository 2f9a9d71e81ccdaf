import Foundation
import TestSupport
import Testing

@Suite struct UsageTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var arguments: [String]
        var code: Int32
        var fragments: [String]

        var testDescription: String { "ostr " + arguments.joined(separator: " ") }

        init(_ arguments: String, _ code: Int32, _ fragments: String...) {
            self.arguments = arguments.split(separator: " ").map(String.init)
            self.code = code
            self.fragments = fragments
        }
    }

    @Test(
        "wrong usage ends with 64 and one line that names what was found and what is allowed",
        arguments: [
            Case("nonsense", 64, "nonsense", "ostr help"),
            Case("search --chanels 8", 64, "--chanels", "--channels"),
            Case("search --space daarts", 64, "daarts", "nasbench201"),
            Case("search --space nothing.yaml", 66, "nothing.yaml", "cannot be read"),
            Case("search --preset huge", 64, "huge", "demo", "paper"),
            Case("search --dataset imagenet", 64, "imagenet", "cifar10"),
            Case("search --step-order both", 64, "both", "alphas-first"),
            Case("search --channels 0", 64, "--channels 0", "1 or more"),
            Case("search --channels 100000", 64, "--channels 100000", "4096"),
            Case("search --channels 4096 --cells 1000", 64, "GiB", "channels"),
            Case("search --cells x", 64, "'x'", "--cells"),
            Case("search --epochs=-1", 64, "--epochs -1", "0 or more"),
            Case("search --batch 0", 64, "--batch 0", "1 or more"),
            Case("search --shards 3", 64, "--shards 3", "power of two", "1, 2, 4, 8, 16, 32, 64"),
            Case("search --batch 48 --shards 32", 64, "--shards 32", "48", "1, 2, 4, 8, 16"),
            Case("search --seed=-1", 64, "-1", "--seed"),
            Case("search --workers=-1", 64, "--workers -1", "0 or more"),
            Case("search --learning-rate nan", 64, "--learning-rate", "0 or more"),
            Case("search --clip 0", 64, "--clip", "greater than 0"),
            Case("search --images 0", 64, "--images 0", "1 or more"),
            Case("search --strength-images 0", 64, "--strength-images 0", "1 or more"),
            Case("search --log-level loud", 64, "loud", "warning"),
            Case("coordinator --workers 2", 64, "--bind"),
            Case("coordinator --bind tcp://127.0.0.1:7 --workers 0", 64, "--workers 0", "1 or more"),
            Case("coordinator --bind tcp://127.0.0.1:7 --workers 1 --worker-timeout 0", 64, "--worker-timeout"),
            Case("search --edge-choice all", 64, "--edge-choice all", "nasbench201"),
            Case("search --criterion magnitude", 64, "magnitude", "ostr select", "removal"),
            Case("search --criterion luck", 64, "luck", "first-order"),
            Case("search --edge-order up", 64, "up", "greedy"),
            Case("search --space darts --edge-choice best", 64, "best", "magnitude"),
            Case("bench --space darts --cells 2", 64, "cells: 2", "normal cell"),
            Case("worker", 64, "--connect"),
            Case("select", 64, "--supernet"),
            Case("query", 64, "architecture"),
            Case("query |none~0|", 64, "|none~0|"),
            Case("genotype", 64, "genotype"),
            Case("search --fine-tune-epochs=-1", 64, "--fine-tune-epochs -1", "0 or more"),
            Case(
                "select --supernet x --criterion all --fine-tune-epochs 1", 64, "--fine-tune-epochs",
                "share one supernet"),
            Case("coordinator --bind x --workers 1 --fine-tune-epochs=-1", 64, "--fine-tune-epochs -1", "0 or more"),
            Case(
                "coordinator --bind x --workers 1 --criterion all --fine-tune-epochs 1", 64, "--fine-tune-epochs",
                "share one supernet"),
            Case("search --racing 0.5", 64, "--racing 0.5", "above 0.5"),
            Case("search --racing 0.95 --halving", 64, "--racing", "--halving", "exclude"),
            Case("search --halving --edge-order greedy", 64, "--halving", "greedy"),
            Case("genotype nothing.txt", 66, "nothing.txt"),
            Case("genotype Genotype(normal=[])", 65, "line 1, column 1", "`cell=`", "`reduce=`"),
            Case("genotype Genotype(cell=[]) --space darts", 65, "`normal=`"),
            Case("genotype Genotype(cell=[]) --form pdf", 64, "pdf", "svg"),
            Case("train", 64, "--genotype", "--from"),
            Case("train --genotype nothing.txt", 66, "nothing.txt"),
            Case("train --genotype Genotype(cell=[])", 65, "line 1", "3"),
            Case("train --architecture none", 64, "not an architecture"),
            Case("train --genotype Genotype(cell=[]) --from x", 64, "one of"),
            Case("train --from nothing", 66, "nothing", "no run folder"),
            Case("train --recipe huge", 64, "huge", "darts"),
            Case("train --drop-path 1", 64, "--drop-path 1", "below 1"),
            Case("train --auxiliary=-1", 64, "--auxiliary", "0 or more"),
            Case("train --bind ipc://x", 64, "--bind", "--workers"),
            Case("train --resume nothing", 66, "nothing"),
            Case("evaluate", 64, "run|weights"),
            Case("evaluate nothing.safetensors", 66, "nothing.safetensors"),
            Case("bench --work nothing", 64, "nothing", "evaluate"),
            Case("bench --steps 0", 64, "--steps 0"),
            Case("bench --workers 2 --classes 3", 64, "--classes"),
            Case("bench --workers 2 --profile", 64, "--profile", "one worker"),
            Case("bench --work kernels --profile", 64, "--profile", "weights"),
            Case("bench --stand-in 1", 64, "--stand-in", "--workers"),
            Case("bench --workers 2 --stand-in=-1", 64, "--stand-in", "3600"),
            Case("bench --work allreduce --mib 0", 64, "--mib 0", "1 or more"),
        ])
    func wrongUsage(_ example: Case) async throws {
        let folder = try TemporaryFolder()
        let result = try await Command.run(example.arguments, in: folder)
        result.expectFailure(example.code, example.fragments)
        #expect(folder.contents.isEmpty, "nothing is written")
    }

    @Test(
        "help ends well, goes to standard output and explains the command",
        arguments: [
            ("", "search"), ("search", "--strength-images"), ("coordinator", "--bind"), ("worker", "--connect-timeout"),
            ("select", "--supernet"), ("query", "--json"), ("genotype", "--form"), ("export", "--output"),
            ("study", "proposition1"), ("bench", "--warmup"),
        ])
    func help(_ command: String, _ option: String) async throws {
        let folder = try TemporaryFolder()
        let result = try await Command.run(command.isEmpty ? ["help"] : ["help", command], in: folder)
        #expect(result.status == 0)
        #expect(result.error == "")
        #expect(result.output.contains(option))
        #expect(result.output.contains("OVERVIEW"))
    }

    @Test("the version and the instruction set are printed")
    func version() async throws {
        let result = try await Command.run(["--version"], in: TemporaryFolder())
        #expect(result.status == 0)
        #expect(result.output.wholeMatch(of: /[0-9]+\.[0-9]+\.[0-9]+ \([a-z0-9-]+\)\n/) != nil)
    }
}
