@testable import Protocol

/// What an undisturbed run computes, in place of a network and images: gradients whose sum depends on the order of
/// adding, losses, states and tasks.
struct SimulatedNumbers {
    static let chunkElements = 4

    let shards: Int
    /// Floats of each half-step's gradient.
    let elements: [Int]
    /// Digests of the state before each half-step, and after the last.
    private(set) var states: [UInt64] = [0x51A7E]
    /// By half-step.
    private(set) var sums: [[Float]] = []
    private(set) var losses: [LossEntry] = []
    /// Bytes that a state takes beside what is looked at.
    let padding: Int

    init(shards: Int, elements: [Int], padding: Int) {
        self.shards = shards
        self.elements = elements
        self.padding = padding
        for halfStep in elements.indices {
            let sum = (0..<elements[halfStep]).map { element in
                self.sum(0..<shards, halfStep, element, drift: 0)
            }
            sums.append(sum)
            losses.append(total((0..<shards).map { loss($0, halfStep) }))
            var state = states[halfStep]
            for value in sum { state = (state ^ UInt64(value.bitPattern)) &* 0xD6E8_FEB8_6659_FD93 }
            states.append(state)
        }
    }

    var halfSteps: Int { elements.count }

    func leaf(_ shard: Int, _ halfStep: Int, _ element: Int, drift: UInt64) -> Float {
        let mixed = shard &* 7919 &+ halfStep &* 104_729 &+ element &* 1_299_709 &+ Int(states[halfStep] % 1009)
        return Float(mixed % 10_007) * 1.37e-3 - 5 + Float(drift % 97)
    }

    func sum(_ node: Range<Int>, _ halfStep: Int, _ element: Int, drift: UInt64) -> Float {
        if node.count == 1 { return leaf(node.lowerBound, halfStep, element, drift: drift) }
        let middle = (node.lowerBound + node.upperBound) / 2
        return sum(node.lowerBound..<middle, halfStep, element, drift: drift)
            + sum(middle..<node.upperBound, halfStep, element, drift: drift)
    }

    func chunks(_ halfStep: Int) -> Int {
        (elements[halfStep] + SimulatedNumbers.chunkElements - 1) / SimulatedNumbers.chunkElements
    }

    func range(_ chunk: Int, _ halfStep: Int) -> Range<Int> {
        let first = chunk * SimulatedNumbers.chunkElements
        return first..<min(first + SimulatedNumbers.chunkElements, elements[halfStep])
    }

    func loss(_ shard: Int, _ halfStep: Int) -> LossEntry {
        LossEntry(loss: Double(shard) + Double(halfStep) / 8, correct: shard, images: 16)
    }

    func total(_ losses: [LossEntry]) -> LossEntry {
        losses.reduce(LossEntry(loss: 0, correct: 0, images: 0)) {
            LossEntry(loss: $0.loss + $1.loss, correct: $0.correct + $1.correct, images: $0.images + $1.images)
        }
    }

    func taskLosses(_ task: TaskAssignment) -> [LossEntry] {
        task.shards.map {
            LossEntry(loss: Double($0 * 31 + (task.replacement?.operation ?? 7)), correct: 1, images: 16)
        }
    }

    static func subtrees(of run: Range<Int>, in node: Range<Int>) -> [Range<Int>] {
        if node.clamped(to: run).isEmpty { return [] }
        if node.clamped(to: run) == node { return [node] }
        let middle = (node.lowerBound + node.upperBound) / 2
        return subtrees(of: run, in: node.lowerBound..<middle) + subtrees(of: run, in: middle..<node.upperBound)
    }

    static func runs(shards: Int, workers: Int) -> [Range<Int>] {
        var start = 0
        return (0..<workers).map { worker in
            let count = shards / workers + (worker < shards % workers ? 1 : 0)
            defer { start += count }
            return start..<(start + count)
        }
    }
}

/// A replica's state: how far it is, and how far from what it should be (0 for not at all).
struct SimulatedState: Equatable {
    var applied = 0
    var drift: UInt64 = 0

    func digest(_ numbers: SimulatedNumbers) -> UInt64 { numbers.states[applied] ^ drift }

    func encoded(_ numbers: SimulatedNumbers) -> [UInt8] {
        [UInt64(applied), drift].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
            + Array(repeating: 7, count: numbers.padding)
    }

    init() {}

    init(decoding bytes: [UInt8]) {
        func word(_ start: Int) -> UInt64 { (0..<8).reduce(0) { $0 | UInt64(bytes[start + $1]) << (8 * UInt64($1)) } }
        applied = Int(word(0))
        drift = word(8)
    }

    func report(_ numbers: SimulatedNumbers) -> StateReport {
        StateReport(appliedHalfSteps: applied, digest: digest(numbers), edges: 1, betas: [1])
    }
}
