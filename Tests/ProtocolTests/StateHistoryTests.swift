import Protocol
import Testing

struct StateHistoryTests {
    @Test("the first state and the last two can be gone back to")
    func goingBack() {
        var history = StateHistory(0) { $0 }
        for state in [4, 8, 12] { history.keep(state) }
        #expect(history.goBack(to: 20) == 12)
        #expect(history.goBack(to: 11) == 8)
        // 4 was forgotten when 12 came.
        #expect(history.goBack(to: 7) == 0)
        history.keep(3)
        #expect(history.goBack(to: 3) == 3)
    }
}
