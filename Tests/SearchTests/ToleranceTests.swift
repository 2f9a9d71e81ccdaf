import TestSupport
import Testing

@Suite("Tolerance")
struct ToleranceTests {
    @Test("tensors within the tolerance do not differ")
    func within() {
        let message = difference(
            "x", [1, 2.1, -100], [1, 2, -100.5], within: Tolerance(absolute: 0.2, ofLargest: 0.01))
        #expect(message == nil)
    }

    @Test("a difference names the tensor, the place and the amount")
    func beyond() throws {
        let message = difference(
            "grad.w", [0, 1, 2, 3, 9, 5], [0, 1, 2, 3, 4, 6], shape: [2, 3], within: Tolerance(absolute: 0.5))
        let text = try #require(message)
        #expect(text.hasPrefix("grad.w: 2 of 6 elements differ; most at [1, 1]: 9.0, expected 4.0, 10.0 times"))
    }

    @Test("NaN and another number of elements always differ")
    func never() {
        let generous = Tolerance(absolute: .infinity, ofLargest: 1)
        #expect(difference("x", [.nan], [1], within: generous) != nil)
        #expect(difference("x", [1], [.nan], within: generous) != nil)
        #expect(difference("x", [1], [1, 1], within: generous) != nil)
    }
}
