import Foundation
import FuzzTargets
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

    @Test("changed at random, an input is taken or refused, never more", arguments: FuzzTarget.allCases)
    func mutations(target: FuzzTarget) throws {
        let corpus = try Self.corpus(target).map(\.bytes)
        let seed = UInt64(ProcessInfo.processInfo.environment["OSTR_FUZZ_SEED"] ?? "") ?? 5
        var mutator = Mutator(seed: seed)
        var taken = 0
        let count = target == .idx || target == .cifar ? 5_000 : 50_000
        for _ in 0..<count {
            let input = mutator.mutate(
                corpus[mutator.below(corpus.count)], with: corpus[mutator.below(corpus.count)])
            if target.run(input) { taken += 1 }
        }
        // Both happen, or the corpus is worth nothing. A failure is repeated with OSTR_FUZZ_SEED.
        #expect(taken > 0 && taken < count, "\(taken) of \(count) with seed \(seed)")
    }
}
