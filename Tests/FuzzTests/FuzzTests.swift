import Checkpoint
import Foundation
import FuzzTargets
import Search
import TestSupport
import Testing

/// The fuzz targets without libFuzzer: every file of the corpus, and a fixed number of seeded changes to them.
@Suite(.serialized)
struct FuzzTests {
    static func corpus(_ target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
        let folder = try #require(Bundle.module.url(forResource: "Corpus", withExtension: nil))
            .appendingPathComponent(target.rawValue)
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { name in
            (name, [UInt8](try Data(contentsOf: folder.appendingPathComponent(name))))
        }
    }

    @Test("every reader takes what is sound in the corpus, and refuses what is not", arguments: FuzzTarget.allCases)
    func replay(target: FuzzTarget) throws {
        let corpus = try Self.corpus(target)
        #expect(corpus.contains { $0.name.hasPrefix("good-") })
        for (name, bytes) in corpus {
            let isTaken = target.run(bytes)
            if name.hasPrefix("good-") { #expect(isTaken, "\(name)") }
            if name.hasPrefix("bad-") { #expect(!isTaken, "\(name)") }
        }
    }

    /// A change of the protocol leaves the old corpus behind: `OSTR_RECORD_CORPUS=1` writes it anew.
    @Test("the corpus has every kind of message as it is encoded now, and a whole checkpoint")
    func current() throws {
        try check(.control, try SampleMessages.controlFrames().map { ($0.name, FuzzInput.join($0.frames)) })
        try check(.mesh, try SampleMessages.meshFrames().map { ($0.name, FuzzInput.join($0.frames)) })
        try check(.checkpoint, try Self.checkpoints())
    }

    private func check(_ target: FuzzTarget, _ expected: [(name: String, bytes: [UInt8])]) throws {
        if ProcessInfo.processInfo.environment["OSTR_RECORD_CORPUS"] != nil {
            let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .appendingPathComponent("Corpus/\(target.rawValue)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) where name.hasPrefix("good-") {
                try FileManager.default.removeItem(at: folder.appendingPathComponent(name))
            }
            for (name, bytes) in expected {
                try Data(bytes).write(to: folder.appendingPathComponent("good-\(name)"))
            }
            return
        }
        let found = try Self.corpus(target).filter { $0.name.hasPrefix("good-") }
        #expect(
            Dictionary(uniqueKeysWithValues: found.map { ($0.name, $0.bytes) })
                == Dictionary(uniqueKeysWithValues: expected.map { ("good-\($0.name)", $0.bytes) }),
            "record the corpus of \(target) anew")
    }

    /// The same checkpoint with its own manifest, and with one made for it.
    private static func checkpoints() throws -> [(name: String, bytes: [UInt8])] {
        let folder = try TemporaryFolder()
        let losses = (0..<4).map { LossSum(loss: Double($0) + 0.5, correct: $0, images: 8) }
        var training = TrainingState(weights: [1, -2, 3], alphas: [0.5, 0.25])
        training.appliedHalfSteps = losses.count
        let state = SearchState(
            training: training, losses: losses, skipped: [2],
            evaluations: [
                SearchState.Evaluation(
                    task: StrengthTask(replacement: nil, decided: [nil, 3], shards: 0..<2), losses: [losses[0]])
            ])
        let path = try CheckpointFolder(
            run: folder.path, configurationDigest: CheckpointInput.configurationDigest, version: "0"
        ).save(state)
        let files = try CheckpointInput.fileNames.map {
            [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(path)/\($0)")))
        }
        let manifest = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(path)/manifest.json")))
        let numbers = [UInt8(losses.count), 1]
        return [
            ("whole", FuzzInput.join([manifest, numbers] + files)), ("made", FuzzInput.join([[], numbers] + files)),
        ]
    }

    @Test("changed at random, an input is taken or refused, never more", arguments: FuzzTarget.allCases)
    func mutations(target: FuzzTarget) throws {
        let corpus = try Self.corpus(target).map(\.bytes)
        let seed = UInt64(ProcessInfo.processInfo.environment["OSTR_FUZZ_SEED"] ?? "") ?? 5
        var mutator = Mutator(seed: seed)
        var taken = 0
        // The YAML parser is a dependency, and not optimised in debug builds.
        let count = target.writesFiles || target == .space ? 5_000 : 50_000
        for _ in 0..<count {
            let input = mutator.mutate(
                corpus[mutator.below(corpus.count)], with: corpus[mutator.below(corpus.count)])
            if target.run(input) { taken += 1 }
        }
        // Both happen, or the corpus is worth nothing. A failure is repeated with OSTR_FUZZ_SEED.
        #expect(taken > 0 && taken < count, "\(taken) of \(count) with seed \(seed)")
    }
}
