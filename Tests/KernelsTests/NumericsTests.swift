import Foundation
import Testing

@testable import Kernels

@Suite("Numerics")
struct NumericsTests {
    @Test("Philox gives the published known answers")
    func philox() {
        // Known-answer vectors of Random123's kat_vectors file for philox4x32, 10 rounds.
        #expect(
            Philox.block(counter: SIMD4(0, 0, 0, 0), key: SIMD2(0, 0))
                == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
        #expect(
            Philox.block(counter: SIMD4(repeating: .max), key: SIMD2(repeating: .max))
                == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
        #expect(
            Philox.block(
                counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), key: SIMD2(0xa409_3822, 0x299f_31d0)
            )
                == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
    }

    @Test("exp, log and cosine are within a few units in the last place of the C library's")
    func elementary() {
        let draws = Philox(seed: 1, purpose: .synthetic)
        for i in 0..<20_000 {
            let u = Double(draws.uniform(at: i))
            let x = (u - 0.5) * 1400
            #expect(abs(Elementary.exp(x) - exp(x)) <= 2e-15 * exp(x))
            let y = exp((u - 0.5) * 1000)
            #expect(abs(Elementary.log(y) - log(y)) <= 4e-16 * max(abs(log(y)), 1))
            #expect(abs(Elementary.cosTwoPi(u) - cos(2 * .pi * u)) <= 2e-15)
        }
        #expect(Elementary.exp(-800) == 0 && Elementary.exp(800) == .infinity && Elementary.exp(0) == 1)
        #expect(Elementary.exp(.nan).isNaN && Elementary.log(-1).isNaN && Elementary.log(0) == -.infinity)
        #expect(Elementary.log(1) == 0 && Elementary.cosTwoPi(0) == 1 && Elementary.exp(-.infinity) == 0)
        #expect(Elementary.exp(-744) > 0 && Elementary.log(Double.leastNonzeroMagnitude) < -744)
    }

    @Test("uniform draws fill [0, 1) and normal draws have mean 0 and variance 1")
    func distribution() {
        let draws = Philox(seed: 5, purpose: .synthetic, context: 3, stream: 4)
        let count = 100_000
        let uniform = (0..<count).map { Double(draws.uniform(at: $0)) }
        #expect(uniform.min()! >= 0 && uniform.max()! < 1)
        #expect(abs(uniform.reduce(0, +) / Double(count) - 0.5) < 0.005)
        let normal = (0..<count).map { Double(draws.normal(at: $0)) }
        #expect(abs(normal.reduce(0, +) / Double(count)) < 0.02)
        #expect(abs(normal.map { $0 * $0 }.reduce(0, +) / Double(count) - 1) < 0.03)
    }

    @Test("a permutation holds every index once and differs from epoch to epoch")
    func permutation() {
        let first = Philox(seed: 5, purpose: .weightsShuffle, context: 0).permutation(of: 1000)
        let second = Philox(seed: 5, purpose: .weightsShuffle, context: 1).permutation(of: 1000)
        #expect(first.sorted() == Array(0..<1000) && second.sorted() == first.sorted() && first != second)
    }

    @Test(
        "subtrees of the runs cover all shards, and their sums are the tree's sum", arguments: [1, 2, 4, 8, 16], 1...9)
    func summationTree(_ shards: Int, _ workers: Int) {
        let draws = Philox(seed: 9, purpose: .synthetic)
        func sum(_ node: Range<Int>) -> Float {
            if node.count == 1 { return draws.normal(at: node.lowerBound) }
            let middle = (node.lowerBound + node.upperBound) / 2
            return sum(node.lowerBound..<middle) + sum(middle..<node.upperBound)
        }
        let runs = SummationTree.runs(shards: shards, workers: workers)
        let parts = runs.flatMap { SummationTree.subtrees(of: $0, shards: shards) }
        #expect(parts.flatMap { Array($0) } == Array(0..<shards))
        let partial = Dictionary(uniqueKeysWithValues: parts.map { ($0, sum($0)) })
        func finish(_ node: Range<Int>) -> Float {
            if let value = partial[node] { return value }
            let middle = (node.lowerBound + node.upperBound) / 2
            return finish(node.lowerBound..<middle) + finish(middle..<node.upperBound)
        }
        #expect(finish(0..<shards).bitPattern == sum(0..<shards).bitPattern)
        #expect(runs.map(\.count).max()! - runs.map(\.count).min()! <= 1)
    }
}
