import Testing

@testable import Search

@Suite struct Proposition1Tests {
    @Test(
        "the beta found is that of the closed form, and rises with the convolution's distance",
        arguments: [UInt64(0), 1])
    func closedForm(seed: UInt64) {
        let study = Proposition1(seed: seed)
        #expect(study.rows.count == 13)
        for row in study.rows {
            #expect(abs(row.found - row.closedForm) < 1e-6, "\(row)")
            // Beyond one half exactly where the convolution is the farther one.
            #expect((row.closedForm > 0.5) == (row.convolution > row.skip), "\(row)")
        }
        for (row, next) in zip(study.rows, study.rows.dropFirst()) {
            #expect(row.skip == next.skip)
            if row.convolution < next.convolution { #expect(row.closedForm <= next.closedForm, "\(row) \(next)") }
        }
        #expect(study.rows[0].convolution < study.rows[0].skip && study.rows[12].convolution > 2 * study.rows[12].skip)
        #expect(Proposition1(seed: seed, steps: 1).rows == [study.rows[0], study.rows[12]])
    }

    @Test("a minimum is found inside and at either end")
    func smallest() {
        for place in [-0.5, 0, 0.3, 1, 2] {
            let found = Proposition1.smallest { ($0 - place) * ($0 - place) }
            #expect(abs(found - min(max(place, 0), 1)) < 1e-7)
        }
    }
}
