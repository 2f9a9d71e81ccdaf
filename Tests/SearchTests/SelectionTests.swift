import Kernels
import Testing

@testable import Search

/// Drives a selection with a random number of workers that take, lose, duplicate and finish tasks in random order.
private struct RandomSchedule {
    var selection: Selection
    let problem: SelectionProblem
    let random: Philox
    var draw = 0
    var evaluations = 0

    init(problem: SelectionProblem, seed: Int, fullTable: Bool) {
        var options = SelectionOptions()
        options.fullTable = fullTable
        options.edgeChoice = problem.rule
        options.criterion = problem.criterion
        options.edgeOrder = problem.edgeOrder
        options.edgeOrderSeed = 5
        if !fullTable {
            options.racing = problem.racing
            options.halving = problem.halving ? true : nil
        }
        selection = Selection(
            betas: problem.betas, shards: problem.shards, options: options, candidates: problem.candidates)
        self.problem = problem
        random = Philox(seed: UInt64(seed), purpose: .synthetic, context: 77)
    }

    mutating func integer(below bound: Int) -> Int {
        draw += 1
        return random.integer(below: bound, at: draw)
    }

    mutating func run() throws -> (result: SelectionResult, events: [SelectionEvent]) {
        let workers = 1 + integer(below: 12)
        var out: [StrengthTask] = []
        var stale: [StrengthTask] = []
        var events: [SelectionEvent] = []
        while !selection.isFinished {
            if out.count < workers, integer(below: 3) > 0 {
                if let task = selection.takeTask() {
                    out.append(task)
                    continue
                }
                if integer(below: 2) == 0, let task = selection.duplicateTask() {
                    out.append(task)
                    continue
                }
            }
            if out.isEmpty { continue }
            let task = out.remove(at: integer(below: out.count))
            switch integer(below: 8) {
            case 0:
                selection.returnTask(task)
                // The lost worker's answer may come all the same, at any time.
                if integer(below: 2) == 0 { stale.append(task) }
            default:
                events += try selection.record(task, losses: problem.losses(of: task))
                evaluations += task.shards.count
            }
            if !stale.isEmpty, integer(below: 4) == 0 {
                let late = stale.remove(at: integer(below: stale.count))
                events += try selection.record(late, losses: problem.losses(of: late))
            }
        }
        for late in out + stale {
            let lateEvents = try selection.record(late, losses: problem.losses(of: late))
            #expect(lateEvents.isEmpty)
        }
        return (selection.result, events)
    }
}

@Suite("Selection")
struct SelectionTests {
    @Test("every schedule gives the rule's result bit for bit", arguments: 0..<8)
    func schedules(part: Int) throws {
        for seed in (part * 500)..<((part + 1) * 500) {
            let problem = SelectionProblem(seed: seed)
            let fullTable = seed % 5 == 0
            let (reference, order) = problem.reference(fullTable: fullTable)
            var schedule = RandomSchedule(problem: problem, seed: seed, fullTable: fullTable)
            let (result, events) = try schedule.run()
            #expect(result == reference, "seed \(seed)")
            let decisions = order.map { SelectionEvent.edgeDecided(edge: $0, operation: reference.operations[$0]) }
            let nodes = problem.rule == .strength ? problem.candidates.competing : []
            let kept = nodes.map { edges in SelectionEvent.edgesKept(edges.filter { reference.kept[$0] }) }
            #expect(events == decisions + kept + [.finished], "seed \(seed)")
        }
    }

    @Test("exact pruning chooses what the full table chooses", arguments: 0..<4)
    func pruning(part: Int) {
        for seed in (part * 500)..<((part + 1) * 500) {
            let problem = SelectionProblem(seed: seed)
            let pruned = problem.reference(fullTable: false, thinsOut: false).result
            let full = problem.reference(fullTable: true).result
            #expect(pruned.operations == full.operations, "seed \(seed)")
            #expect(pruned.rows.filter(\.chosen) == full.rows.filter(\.chosen), "seed \(seed)")
            for (a, b) in zip(pruned.rows, full.rows) where a.complete { #expect(a == b, "seed \(seed)") }
        }
    }

    /// One edge, operation 0 at loss 1 a shard and operation 1 at 5: dropped at the first border above 4 × 8 shards.
    private func twoOperations(fullTable: Bool = false) -> Selection {
        var options = SelectionOptions()
        options.fullTable = fullTable
        return Selection(betas: [[0.7, 0.3]], shards: 32, options: options)
    }

    private func answer(_ task: StrengthTask) -> [LossSum] {
        task.shards.map { _ in LossSum(loss: task.replacement?.operation == 1 ? 5 : 1, correct: 1, images: 2) }
    }

    @Test("a task that known results prove unnecessary is not handed out")
    func noUnnecessaryTask() throws {
        var selection = twoOperations()
        var blocks: [Int?: Int] = [:]
        while let task = selection.takeTask() {
            blocks[task.replacement?.operation, default: 0] += 1
            _ = try selection.record(task, losses: answer(task))
        }
        #expect(blocks == [nil: 4, 0: 4, 1: 1])
        #expect(selection.isFinished)
        let row = selection.result.rows[1]
        #expect(row.shardsEvaluated == 8 && !row.complete && row.lossSum == 40 && row.strength == nil)
        #expect(selection.result.rows[0].strength == 0)
        #expect(selection.progress.done == 72 && selection.progress.total == 96)
    }

    @Test("what was measured beyond a border is not recorded")
    func speculationIsThrownAway() throws {
        var selection = twoOperations()
        var tasks: [StrengthTask] = []
        while let task = selection.takeTask() { tasks.append(task) }
        #expect(tasks.count == 12)
        for task in tasks.reversed() { _ = try selection.record(task, losses: answer(task)) }
        #expect(selection.result.rows[1].shardsEvaluated == 8)
        #expect(selection.result.rows[1].lossSum == 40)
    }

    @Test("the incumbent's blocks come before the others', and the supernet's before them")
    func order() {
        var selection = Selection(betas: [[0.2, 0.5, 0.3], [0.4, 0.3, 0.3]], shards: 9, options: SelectionOptions())
        var seen: [Int?] = []
        while let task = selection.takeTask() {
            seen.append(task.replacement?.operation)
            #expect(task.replacement?.edge != 1, "the next edge depends on this one")
        }
        #expect(seen == [nil, nil, 1, 1, 2, 2, 0, 0])
    }

    @Test("a duplicate is the oldest task with the fewest copies, and none when nothing is out")
    func duplicates() throws {
        var selection = twoOperations()
        var duplicated = selection.duplicateTask()
        #expect(duplicated == nil)
        let taken = [selection.takeTask(), selection.takeTask()]
        let first = try #require(taken[0])
        let second = try #require(taken[1])
        for expected in [first, second, first] {
            duplicated = selection.duplicateTask()
            #expect(duplicated == expected)
        }
        _ = try selection.record(first, losses: answer(first))
        duplicated = selection.duplicateTask()
        #expect(duplicated == second)
        // Three copies of the second are out: only the last one lost makes it waiting again.
        selection.returnTask(second)
        selection.returnTask(second)
        var next = selection.takeTask()
        #expect(next != second)
        selection.returnTask(second)
        next = selection.takeTask()
        #expect(next == second)
    }

    @Test("a second result of a task must equal the first")
    func unequalDuplicate() throws {
        var selection = twoOperations()
        let taken = selection.takeTask()
        let task = try #require(taken)
        _ = try selection.record(task, losses: answer(task))
        let events = try selection.record(task, losses: answer(task))
        #expect(events.isEmpty)
        var other = answer(task)
        other[3].loss += 1e-12
        #expect(throws: SearchError.self) { try selection.record(task, losses: other) }
    }

    @Test(
        "a result that fits no task is refused",
        arguments: [
            StrengthTask(replacement: .init(edge: 1, operation: 0), decided: [nil], shards: 0..<8),
            StrengthTask(replacement: .init(edge: -1, operation: 0), decided: [nil], shards: 0..<8),
            StrengthTask(replacement: .init(edge: 0, operation: 2), decided: [nil], shards: 0..<8),
            StrengthTask(replacement: nil, decided: [0], shards: 0..<8),
            StrengthTask(replacement: nil, decided: [nil, nil], shards: 0..<8),
            StrengthTask(replacement: nil, decided: [nil], shards: 0..<7),
            StrengthTask(replacement: nil, decided: [nil], shards: 4..<12),
            StrengthTask(replacement: nil, decided: [nil], shards: 32..<40),
            StrengthTask(replacement: nil, decided: [nil], shards: -8..<0),
        ])
    func foreignResult(task: StrengthTask) {
        var selection = twoOperations()
        let losses = task.shards.map { _ in LossSum(loss: 1, correct: 1, images: 2) }
        #expect(throws: SearchError.self) { try selection.record(task, losses: losses) }
    }

    @Test(
        "an impossible loss is refused",
        arguments: [
            LossSum(loss: -1, correct: 1, images: 2), LossSum(loss: 1, correct: 3, images: 2),
            LossSum(loss: 1, correct: -1, images: 2), LossSum(loss: 1, correct: 0, images: 0),
            LossSum(loss: 1, correct: 0, images: .max), LossSum(loss: 1, correct: 0, images: 3),
        ])
    func impossibleLoss(loss: LossSum) throws {
        var selection = twoOperations()
        let taken = selection.takeTask()
        let task = try #require(taken)
        var losses = answer(task)
        losses[5] = loss
        #expect(throws: SearchError.self) { try selection.record(task, losses: losses) }
        losses.removeLast(3)
        #expect(throws: SearchError.self) { try selection.record(task, losses: losses) }
    }

    @Test("losses that are not finite never win, unless all are: then the lowest operation does")
    func notFinite() throws {
        for bad in [Double.nan, .infinity, -.infinity] {
            var selection = Selection(betas: [[0.2, 0.5, 0.3]], shards: 16, options: SelectionOptions())
            while let task = selection.takeTask() {
                let loss = task.replacement?.operation == 2 ? 9 : bad
                _ = try selection.record(
                    task, losses: task.shards.map { _ in LossSum(loss: loss, correct: 0, images: 1) })
            }
            #expect(selection.result.operations == [2])
            #expect(selection.result.rows.allSatisfy { $0.strength == nil })
        }
        var selection = Selection(betas: [[0.2, 0.5, 0.3]], shards: 16, options: SelectionOptions())
        while let task = selection.takeTask() {
            _ = try selection.record(
                task, losses: task.shards.map { _ in LossSum(loss: .nan, correct: 0, images: 1) })
        }
        #expect(selection.result.operations == [0])
    }

    /// Two edges into one node that keeps one; losses tell what stands where.
    private func keepOne(_ rule: EdgeRule?) throws -> SelectionResult {
        var options = SelectionOptions()
        options.edgeChoice = rule
        var candidates = SelectionCandidates(edges: 2, operations: 3)
        candidates.operations = [[1, 2], [1, 2]]
        candidates.competing = [[0, 1]]
        candidates.kept = 1
        var selection = Selection(
            betas: [[0.8, 0.1, 0.1], [0.5, 0.2, 0.3]], shards: 3, options: options, candidates: candidates)
        while let task = selection.takeTask() {
            #expect(task.replacement?.operation != 0, "an excluded operation is not measured")
            let loss: Double
            switch task.replacement {
            case .some(let replacement) where replacement.operation == StrengthTask.leftOut:
                #expect(task.decided == [2, 1])
                loss = replacement.edge == 0 ? 5 : 3
            case .some(let replacement): loss = replacement.operation == (replacement.edge == 0 ? 2 : 1) ? 1 : 2
            case nil: loss = 4
            }
            _ = try selection.record(
                task, losses: task.shards.map { _ in LossSum(loss: loss, correct: 0, images: 2) })
        }
        #expect(selection.isFinished)
        return selection.result
    }

    @Test("a node keeps the edges without which the loss is largest")
    func edgesByStrength() throws {
        let result = try keepOne(.strength)
        #expect(result.operations == [2, 1])
        #expect(result.kept == [true, false])
        #expect(result.magnitudeOperations == [1, 2])
        #expect(result.magnitudeKept == [false, true])
        let rows = result.rows.filter { $0.operation == StrengthTask.leftOut }
        // The network as it stands has a mean loss of 4 / 2.
        #expect(rows.map(\.edge) == [0, 1])
        let strengths: [Double?] = [-0.5, 0.5]
        #expect(rows.map(\.strength) == strengths)
        #expect(rows.map(\.chosen) == [false, true])
        #expect(try keepOne(nil) == result, "strength is the default")
    }

    @Test("edges are kept by the largest β, or all of them, without more evaluations")
    func edgesByOtherRules() throws {
        #expect(try keepOne(.magnitude).kept == [false, true])
        #expect(try keepOne(.all).kept == [true, true])
        #expect(try keepOne(.all).rows.count == 4)
    }
}
