import Search
import Supernet
import Testing

@testable import Reporting

@Suite struct SearchProgressTests {
    private func statuses(_ outputs: [SearchProgress.Output]) -> [SearchProgress.Status] {
        outputs.compactMap { if case .status(let status) = $0 { status } else { nil } }
    }

    @Test("the remaining time of a phase is extrapolated from its pace, the time before it excluded")
    func remainingTime() throws {
        var progress = SearchProgress(space: .nasbench201)
        _ = progress.receive(.selectionStarted(images: 1024, edges: 6), at: 100)
        let status = try #require(
            statuses(progress.receive(.evaluationsDone(done: 25, total: 100), at: 110)).first)
        #expect(status.remaining == 30)
        #expect(status.fraction == 0.25)
    }

    @Test("nothing is claimed about the remaining time before anything is done")
    func unknownTime() throws {
        var progress = SearchProgress(space: .nasbench201)
        _ = progress.receive(.selectionStarted(images: 1024, edges: 6), at: 0)
        let status = try #require(statuses(progress.receive(.evaluationsDone(done: 0, total: 0), at: 1)).first)
        #expect(status.remaining == nil)
    }

    @Test("a status line never exceeds the terminal's width", arguments: [0, 1, 10, 30, 60, 80, 81, 100, 200])
    func width(_ width: Int) {
        let status = SearchProgress.Status(
            text: "training  epoch 12/50  step 100/390", fraction: 0.3337, remaining: 4000,
            detail: "loss 1.234  accuracy 56.7%")
        #expect(status.line(width: width).count <= width)
    }

    @Test("a wide terminal gets a bar and the detail, a narrow one loses them first")
    func bar() {
        let status = SearchProgress.Status(
            text: "selecting  5/10 evaluations", fraction: 0.5, remaining: 61, detail: "x")
        #expect(status.line(width: 100) == "selecting  5/10 evaluations  x  [############............]  50%  1:01 left")
        #expect(status.line(width: 45) == "selecting  5/10 evaluations  50%  1:01 left")
    }

    @Test("an epoch's end is a line to keep, with both losses")
    func epoch() {
        var progress = SearchProgress(space: .nasbench201)
        _ = progress.receive(.trainingStarted(epochs: 5, stepsPerEpoch: 78), at: 10)
        let outputs = progress.receive(
            .epochEnded(
                epoch: 1, training: LossSum(loss: 150, correct: 40, images: 100),
                validation: LossSum(loss: 160, correct: 35, images: 100)), at: 22)
        #expect(
            outputs == [
                .line(
                    "epoch 2/5  training loss 1.500 accuracy 40.0%  validation loss 1.600 accuracy 35.0%  0:12")
            ])
    }

    @Test("decisions name edge and operation")
    func decision() {
        var progress = SearchProgress(space: .nasbench201)
        #expect(progress.receive(.edgeDecided(edge: 4, operation: 3), at: 0) == [.line("edge 3<-1: nor_conv_3x3")])
    }

    @Test(
        "durations are read as clocks are",
        arguments: [
            (0, "0:00"), (7.4, "0:07"), (59.6, "1:00"), (750, "12:30"), (11_100, "3:05:00"), (-1, "?"), (.nan, "?"),
            (.infinity, "?"),
        ] as [(Double, String)])
    func duration(_ seconds: Double, _ text: String) {
        #expect(SearchProgress.duration(seconds) == text)
    }

    @Test(
        "numbers are rounded to fixed decimals",
        arguments: [
            (1.2345, 3, "1.235"), (0, 2, "0.00"), (-0.001, 2, "0.00"), (-1.5, 0, "-2"), (99.999, 2, "100.00"),
            (.infinity, 2, "inf"), (.nan, 2, "nan"),
        ] as [(Double, Int, String)])
    func fixed(_ value: Double, _ decimals: Int, _ text: String) {
        #expect(SearchProgress.fixed(value, decimals) == text)
    }
}
