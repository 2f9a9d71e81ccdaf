import Search
import Testing

@testable import Coordinator

struct VerificationTests {
    private static let task = StrengthTask(replacement: nil, decided: [nil], shards: 0..<1)

    private func answer(_ name: String, _ loss: Double) -> Verification.Answer {
        let losses = [LossSum(loss: loss, correct: 0, images: 1)]
        return .init(worker: 1, name: name, evaluation: .init(task: Self.task, losses: losses))
    }

    @Test("a worker that answers twice agrees with nobody: two others have to")
    func answersTwice() {
        var verification = Verification(Self.task, answer("right", 1))
        verification.add(answer("wrong", 2))
        verification.outstanding = 7
        verification.add(answer("wrong", 2))
        #expect(verification.agreed == nil && verification.answers.count == 2)
        #expect(verification.outstanding == nil, "another worker is asked")
        verification.add(answer("other", 1))
        #expect(verification.agreed?.losses.first?.loss == 1)
        #expect(verification.agreed.map { verification.wrong($0).map(\.name) } == ["wrong"])
    }
}
