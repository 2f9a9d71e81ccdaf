import TestSupport
import Testing

@testable import Protocol

/// An all-reduce among machines in one thread, over a network that loses, repeats and reorders what it likes.
private struct AllReduceWorld {
    static let chunkElements = 4

    let shards: Int
    let runs: [Range<Int>]
    let subtrees: [[Range<Int>]]
    /// Floats of each half-step's gradient.
    let elements: [Int]
    let lossPercent: Int
    var random: SplitMix64
    var machines: [AllReduceMachine] = []
    var now = Duration.zero
    var flying: [(to: Int, MeshEnvelope)] = []
    /// By rank: the half-step it works on, and what it has not contributed yet.
    var step: [Int]
    var work: [[(chunk: Int, subtree: Range<Int>)]]
    var hasContributedLosses: [Bool]
    var sums: [[Float]]
    var finished: [[(sum: [Float], losses: [LossEntry])]]

    init(seed: UInt64, lossPercent: Int) {
        var random = SplitMix64(seed: seed)
        shards = [2, 4, 8, 16].randomElement(using: &random) ?? 2
        let workers = Int.random(in: 2...min(shards, 6), using: &random)
        var start = 0
        runs = (0..<workers).map { [shards] worker in
            let count = shards / workers + (worker < shards % workers ? 1 : 0)
            defer { start += count }
            return start..<(start + count)
        }
        subtrees = runs.map { [shards] in AllReduceWorld.subtrees(of: $0, in: 0..<shards) }
        elements = (0..<4).map { _ in Int.random(in: 1...30, using: &random) }
        self.lossPercent = lossPercent
        self.random = random
        step = Array(repeating: -1, count: workers)
        work = Array(repeating: [], count: workers)
        hasContributedLosses = Array(repeating: true, count: workers)
        sums = Array(repeating: [], count: workers)
        finished = Array(repeating: [], count: workers)
        for rank in 0..<workers {
            machines.append(
                AllReduceMachine(
                    generation: 3, rank: rank, shards: shards, runs: runs, subtrees: subtrees, firstHalfStep: 0,
                    maximumElements: elements.max() ?? 1, chunkElements: AllReduceWorld.chunkElements))
        }
    }

    static func subtrees(of run: Range<Int>, in node: Range<Int>) -> [Range<Int>] {
        if node.clamped(to: run).isEmpty { return [] }
        if node.clamped(to: run) == node { return [node] }
        let middle = (node.lowerBound + node.upperBound) / 2
        return subtrees(of: run, in: node.lowerBound..<middle) + subtrees(of: run, in: middle..<node.upperBound)
    }

    /// Values whose sum depends on the order of adding.
    func leaf(_ shard: Int, _ halfStep: Int, _ element: Int) -> Float {
        Float((shard * 7919 + halfStep * 104_729 + element * 1_299_709) % 10_007) * 1.37e-3 - 5
    }

    func sum(_ node: Range<Int>, _ halfStep: Int, _ element: Int) -> Float {
        if node.count == 1 { return leaf(node.lowerBound, halfStep, element) }
        let middle = (node.lowerBound + node.upperBound) / 2
        return sum(node.lowerBound..<middle, halfStep, element) + sum(middle..<node.upperBound, halfStep, element)
    }

    func range(_ chunk: Int, _ halfStep: Int) -> Range<Int> {
        let first = chunk * AllReduceWorld.chunkElements
        return first..<min(first + AllReduceWorld.chunkElements, elements[halfStep])
    }

    func loss(_ shard: Int, _ halfStep: Int) -> LossEntry {
        LossEntry(loss: Double(shard) + Double(halfStep) / 8, correct: shard, images: 16)
    }

    mutating func perform(_ actions: [AllReduceMachine.Action], of rank: Int) throws {
        for action in actions {
            switch action {
            case .send(let peer, let halfStep, let message):
                let envelope = MeshEnvelope(
                    run: 1, generation: 3, sender: rank, halfStep: halfStep, message: message)
                if !random.chance(lossPercent) { flying.append((peer, envelope)) }
                if lossPercent > 0, random.chance(10) { flying.append((peer, envelope)) }
            case .reduce(let chunk, let parts):
                let bytes = try #require(SummationOrder.reduce(parts, shards: shards, add: addFloats))
                try perform(machines[rank].reduced(chunk: chunk, bytes: bytes), of: rank)
            case .place(let chunk, let bytes):
                sums[rank].replaceSubrange(range(chunk, step[rank]), with: floats(bytes))
            case .complete(let halfStep, let losses, _):
                try #require(halfStep == step[rank])
                finished[rank].append((sums[rank], losses))
            }
        }
    }

    /// One thing happens, to whom and what by chance.
    mutating func advance() throws {
        now += .milliseconds(Int.random(in: 0..<40, using: &random))
        let rank = Int.random(in: machines.indices, using: &random)
        if random.chance(50), !flying.isEmpty {
            let (peer, envelope) = flying.remove(at: Int.random(in: flying.indices, using: &random))
            return try perform(machines[peer].receive(envelope, at: now), of: peer)
        }
        try perform(machines[rank].tick(at: now), of: rank)
        if let item = work[rank].indices.randomElement(using: &random) {
            let (chunk, subtree) = work[rank].remove(at: item)
            let halfStep = step[rank]
            let values = range(chunk, halfStep).map { sum(subtree, halfStep, $0) }
            let actions = machines[rank].contribute(chunk: chunk, subtree: subtree, bytes: bytes(values), at: now)
            try perform(actions, of: rank)
        } else if !hasContributedLosses[rank] {
            hasContributedLosses[rank] = true
            let losses = runs[rank].map { loss($0, step[rank]) }
            try perform(machines[rank].contribute(losses: losses, at: now), of: rank)
        } else if finished[rank].count == step[rank] + 1, step[rank] + 1 < elements.count {
            try begin(rank)
        }
    }

    private mutating func begin(_ rank: Int) throws {
        step[rank] += 1
        let halfStep = step[rank]
        let chunks = (elements[halfStep] + AllReduceWorld.chunkElements - 1) / AllReduceWorld.chunkElements
        sums[rank] = Array(repeating: .nan, count: elements[halfStep])
        work[rank] = subtrees[rank].flatMap { subtree in (0..<chunks).map { ($0, subtree) } }
        hasContributedLosses[rank] = false
        let actions = try machines[rank].begin(
            halfStep: halfStep, elements: elements[halfStep], stateDigest: UInt64(halfStep) &* 77, at: now)
        try perform(actions, of: rank)
    }

    var isFinished: Bool { finished.allSatisfy { $0.count == elements.count } }
}

struct AllReduceTests {
    @Test("the sum is exact whatever is lost, repeated and reordered", arguments: [0, 5, 30])
    func schedules(lossPercent: Int) throws {
        for seed in 0..<1000 as Range<UInt64> {
            var world = AllReduceWorld(seed: seed, lossPercent: lossPercent)
            var events = 0
            while !world.isFinished, events < 200_000 {
                try world.advance()
                events += 1
            }
            try #require(world.isFinished, "seed \(seed)")
            for rank in world.machines.indices {
                for (halfStep, result) in world.finished[rank].enumerated() {
                    let expected = (0..<world.elements[halfStep]).map { world.sum(0..<world.shards, halfStep, $0) }
                    try #require(result.sum == expected, "seed \(seed)")
                    try #require(result.losses == (0..<world.shards).map { world.loss($0, halfStep) })
                }
                #expect(world.machines[rank].counters.rejected == 0)
            }
        }
    }

    private func pair() throws -> AllReduceMachine {
        var machine = AllReduceMachine(
            generation: 2, rank: 0, shards: 2, runs: [0..<1, 1..<2], subtrees: [[0..<1], [1..<2]],
            firstHalfStep: 0, maximumElements: 8, chunkElements: 4)
        _ = try machine.begin(halfStep: 0, elements: 8, stateDigest: 5, at: .zero)
        return machine
    }

    private func envelope(
        _ message: MeshMessage, generation: Int = 2, sender: Int = 1, halfStep: Int = 0
    ) -> MeshEnvelope {
        MeshEnvelope(run: 1, generation: generation, sender: sender, halfStep: halfStep, message: message)
    }

    private func chunk(
        index: Int = 0, subtree: Range<Int> = 1..<2, digest: UInt64 = 5, count: Int = 16
    ) -> MeshMessage {
        .chunk(
            GradientChunk(
                index: index, subtree: subtree, stateDigest: digest, bytes: Array(repeating: 0, count: count)))
    }

    @Test("a gradient of another state is never used, and both sides are named")
    func drift() throws {
        let expected = AllReduceError.stateMismatch(halfStep: 0, rank: 0, digest: 5, other: 1, otherDigest: 6)
        var machine = try pair()
        #expect(throws: expected) { try machine.receive(envelope(chunk(digest: 6)), at: .zero) }
        let losses = [LossEntry(loss: 1, correct: 0, images: 1)]
        #expect(throws: expected) {
            try machine.receive(envelope(.losses(losses, stateDigest: 6, audit: nil)), at: .zero)
        }
    }

    @Test("a state that drifted is found when its early message is used")
    func earlyDrift() throws {
        var machine = AllReduceMachine(
            generation: 2, rank: 0, shards: 2, runs: [0..<1, 1..<2], subtrees: [[0..<1], [1..<2]],
            firstHalfStep: 0, maximumElements: 8, chunkElements: 4)
        #expect(try machine.receive(envelope(chunk(digest: 6)), at: .zero).isEmpty)
        #expect(throws: AllReduceError.self) {
            try machine.begin(halfStep: 0, elements: 8, stateDigest: 5, at: .zero)
        }
    }

    @Test("the last end of a member's computation is known, whatever comes afterwards")
    func lastComputed() throws {
        var machine = try pair()
        let losses = [LossEntry(loss: 1, correct: 0, images: 1)]
        _ = machine.contribute(losses: losses, at: .seconds(1))
        #expect(machine.lastComputed == .seconds(1))
        _ = try machine.receive(envelope(.losses(losses, stateDigest: 5, audit: nil)), at: .seconds(3))
        _ = try machine.receive(envelope(.losses(losses, stateDigest: 5, audit: nil)), at: .seconds(4))
        _ = try machine.receive(envelope(chunk()), at: .seconds(5))
        #expect(machine.lastComputed == .seconds(3))
    }

    @Test("what cannot be is counted and dropped")
    func impossible() throws {
        var machine = try pair()
        for message in [
            chunk(index: 1), chunk(index: 9), chunk(subtree: 0..<1), chunk(count: 12),
            chunk(index: 0, subtree: 0..<2), .losses([], stateDigest: 5, audit: nil),
        ] {
            #expect(try machine.receive(envelope(message), at: .zero).isEmpty)
        }
        #expect(machine.counters.rejected == 6)
        #expect(try machine.receive(envelope(chunk(), sender: 0), at: .zero).isEmpty)
        #expect(try machine.receive(envelope(chunk(), sender: 2), at: .zero).isEmpty)
        #expect(machine.counters.rejected == 8)
    }

    @Test("messages of another generation or a far half-step are dropped by number")
    func stale() throws {
        var machine = try pair()
        #expect(try machine.receive(envelope(chunk(), generation: 1), at: .zero).isEmpty)
        #expect(try machine.receive(envelope(chunk(), generation: 3), at: .zero).isEmpty)
        #expect(try machine.receive(envelope(chunk(), halfStep: 2), at: .zero).isEmpty)
        #expect(machine.counters.stale == 3)
    }

    @Test("the next half-step's messages are kept once each, and no others")
    func bounded() throws {
        var machine = try pair()
        for _ in 0..<10 {
            for index in 0..<100 {
                _ = try machine.receive(envelope(chunk(index: index), halfStep: 1), at: .zero)
            }
        }
        #expect(machine.early.count == 2)
    }
}
