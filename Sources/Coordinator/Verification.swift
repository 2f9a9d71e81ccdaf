import Protocol
import Search

/// A strength task that more than one worker answers: since it is audited, or since two answers of it differ.
struct Verification {
    /// What one worker found.
    struct Answer {
        let worker: UInt64
        let name: String
        let evaluation: SearchState.Evaluation
    }

    /// Two that differ need a third.
    static let mostAnswers = 3

    let task: StrengthTask
    private(set) var answers: [Answer]
    /// The number under which the next answer comes, once somebody has the task.
    var outstanding: Int?

    init(_ task: StrengthTask, _ first: Answer) {
        self.task = task
        answers = [first]
    }

    /// By name: one that joined anew is the same.
    var answerers: Set<String> { Set(answers.map(\.name)) }

    /// A worker's second answer is not another opinion, and not counted.
    mutating func add(_ answer: Answer) {
        outstanding = nil
        if !answerers.contains(answer.name) { answers.append(answer) }
    }

    /// What two workers agree on.
    var agreed: SearchState.Evaluation? {
        for (place, answer) in answers.enumerated()
        where answers[(place + 1)...].contains(where: { $0.evaluation == answer.evaluation }) {
            return answer.evaluation
        }
        return nil
    }

    /// The workers whose answer is another.
    func wrong(_ agreed: SearchState.Evaluation) -> [Answer] { answers.filter { $0.evaluation != agreed } }

    /// Whether a task is to be audited: a fixed choice among tasks, so that it does not depend on who answers when.
    static func isDue(_ task: StrengthTask, rate: Double) -> Bool {
        guard rate > 0 else { return false }
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        let numbers = [task.replacement?.edge ?? -1, task.replacement?.operation ?? -1, task.shards.lowerBound]
        for number in numbers {
            hash = (hash ^ UInt64(bitPattern: Int64(number))) &* 0x0000_0100_0000_01B3
            hash ^= hash >> 29
        }
        return Double(hash % 10_000) < rate * 10_000
    }
}
