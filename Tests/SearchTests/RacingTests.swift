import Kernels
import Testing

@testable import Search

@Suite struct RacingTests {
    /// From published tables of Student's distribution: t, degrees of freedom, upper tail.
    @Test(
        "the tails are Student's, those of odd degrees being those of one less",
        arguments: [
            (4.303, 2, 0.025), (2.776, 4, 0.025), (3.747, 4, 0.01), (1.440, 6, 0.1), (5.208, 6, 0.001),
            (2.228, 10, 0.025), (2.042, 30, 0.025), (1.98, 120, 0.025), (0, 8, 0.5), (2.228, 11, 0.025),
        ])
    func tails(t: Double, degrees: Int, tail: Double) {
        #expect(abs(PairedTest.upperTail(t, degrees: degrees) - tail) < 0.005 * tail + 1e-5)
    }

    @Test("a part of a population tells the sign of its mean as often as is promised")
    func coverage() {
        let (total, draws, risk) = (64, 4000, 0.05)
        var wrong = 0
        for draw in 0..<draws {
            // A population whose mean is exactly 0, in random order.
            let random = Philox(seed: UInt64(draw), purpose: .synthetic, context: 50)
            let values = (0..<total).map { Double(random.normal(at: $0)) }
            let mean = values.reduce(0, +) / Double(total)
            let part = values.prefix(16).map { $0 - mean }
            if PairedTest.isAboveZero(part, of: total, risk: risk) { wrong += 1 }
        }
        // 200 are expected at most; the deviation of the count is 14.
        #expect(wrong < 245)
        #expect(wrong > 120, "the test is of use")
    }

    @Test("differences that cannot tell are none, and equal ones tell at once")
    func edges() {
        #expect(!PairedTest.isAboveZero([1, 1], of: 9, risk: 0.4))
        #expect(PairedTest.isAboveZero([1, 1, 1], of: 9, risk: 1e-9))
        #expect(!PairedTest.isAboveZero([0, 0, 0], of: 9, risk: 0.4))
        #expect(!PairedTest.isAboveZero([-1, -1, -2], of: 9, risk: 0.4))
        #expect(!PairedTest.isAboveZero([1, 1, 1], of: 3, risk: 0.4))
        #expect(!PairedTest.isAboveZero([.infinity, 1, 1], of: 9, risk: 0.4))
    }

    /// An edge whose operations have losses with a common part of a shard, larger than their differences.
    private func selection(_ change: (inout SelectionOptions) -> Void) throws -> (Selection, tasks: Int) {
        var options = SelectionOptions()
        change(&options)
        var selection = Selection(betas: [[0.1, 0.2, 0.3, 0.4]], shards: 64, options: options)
        let random = Philox(seed: 3, purpose: .synthetic, context: 60)
        var tasks = 0
        while let task = selection.takeTask() {
            tasks += 1
            let operation = task.replacement?.operation ?? 0
            _ = try selection.record(
                task,
                losses: task.shards.map { shard in
                    let common = Double(random.uniform(at: shard)) * 10
                    let own = Double(random.uniform(at: 1000 * (operation + 1) + shard)) * 0.5
                    return LossSum(loss: 5 + common + own + (operation == 2 ? 0 : 1), correct: 0, images: 4)
                })
        }
        return (selection, tasks)
    }

    @Test("a race sees through what shards have in common, and stops when one operation is left")
    func race() throws {
        let (full, _) = try selection { $0.fullTable = true }
        let (pruned, _) = try selection { _ in }
        let (raced, tasks) = try selection { $0.racing = 0.95 }
        #expect(raced.result.operations == [2] && full.result.operations == [2])
        #expect(full.result.evaluations == 5 * 64 && full.result.fullTableEvaluations == 5 * 64)
        // The supernet whole, and the operations on one block, or two.
        #expect(raced.result.evaluations <= 64 + 4 * 16)
        #expect(raced.result.evaluations < pruned.result.evaluations)
        #expect(raced.result.evaluations == raced.progress.done && tasks * 8 == raced.progress.done)
        #expect(raced.result.fullTableEvaluations == full.result.fullTableEvaluations)
        let row = raced.result.rows[2]
        #expect(row.chosen && !row.complete && row.shardsEvaluated < 64)
        let strength = try #require(row.strength)
        let whole = try #require(full.result.rows[2].strength)
        #expect(abs(strength - whole) < 0.1)
    }

    @Test("halving measures all on a quarter, half of them on a half, and stops with one")
    func halving() throws {
        let (selection, _) = try selection { $0.halving = true }
        #expect(selection.result.operations == [2])
        // Two rounds for four operations: 32 shards, then all 64 for two of them.
        #expect(selection.result.rows.map(\.shardsEvaluated).sorted() == [32, 32, 64, 64])
        #expect(selection.result.evaluations == 64 + 2 * 32 + 2 * 64)
    }

    @Test("racing keeps its promise over many problems, and mostly saves", arguments: 0..<4)
    func promise(part: Int) throws {
        var (raced, wrong, used, whole) = (0, 0, 0, 0)
        for seed in (part * 1500)..<((part + 1) * 1500) {
            let problem = SelectionProblem(seed: seed)
            guard problem.racing == 0.9 else { continue }
            raced += 1
            let result = problem.reference(fullTable: false).result
            if result.operations != problem.reference(fullTable: true).result.operations { wrong += 1 }
            used += result.evaluations
            whole += result.fullTableEvaluations
        }
        #expect(raced > 80)
        #expect(Double(wrong) <= 0.1 * Double(raced), "\(wrong) of \(raced)")
        #expect(used < whole)
    }
}
