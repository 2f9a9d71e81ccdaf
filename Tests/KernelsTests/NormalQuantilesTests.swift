import Testing

@testable import Kernels

@Suite("Normal quantiles")
struct NormalQuantilesTests {
    @Test(
        "quantiles are those of tables",
        arguments: [
            (0.5, 0), (0.8413447460685429, 1), (0.9772498680518208, 2), (0.9986501019683699, 3),
            (0.975, 1.959963984540054),
            (1e-6, -4.753424308822899), (1e-12, -7.034483825301132),
        ])
    func quantile(_ p: Double, _ expected: Double) {
        #expect(abs(NormalQuantiles.quantile(p) - expected) < 1e-6 * max(1, abs(expected)))
    }

    @Test("the table rises, is symmetric, and has the moments of the distribution")
    func table() {
        let table = NormalQuantiles.table.map(Double.init)
        #expect(table.count == 65_536)
        #expect(zip(table, table.dropFirst()).allSatisfy { $0 < $1 })
        #expect(zip(table, table.reversed()).allSatisfy { abs($0 + $1) < 1e-5 })
        let second = table.reduce(0) { $0 + $1 * $1 } / 65_536
        let fourth = table.reduce(0) { $0 + $1 * $1 * $1 * $1 } / 65_536
        #expect(abs(second - 1) < 1e-4 && abs(fourth - 3) < 5e-3)
    }

    @Test("noise fills the channels that there are, each with its own values")
    func noise() {
        let arena = Arena()
        let tensor = arena.tensor(images: 2, channels: 11, height: 16, width: 16)
        tensor.fillNormal(image: 1, Philox(seed: 4, purpose: .noise, stream: 7))
        var values: [Float] = []
        for block in 0..<2 {
            for line in 0..<16 {
                for column in 0..<16 {
                    #expect(tensor.row(0, block, line)[column] == .zero, "the other image")
                    for lane in 0..<8 {
                        let value = tensor.row(1, block, line)[column][lane]
                        if block * 8 + lane < 11 { values.append(value) } else { #expect(value == 0) }
                    }
                }
            }
        }
        #expect(Set(values).count > 2600, "of \(values.count)")
        let mean = values.reduce(0, +) / Float(values.count)
        let square = values.reduce(0) { $0 + $1 * $1 } / Float(values.count)
        // Within four standard errors.
        #expect(abs(mean) < 4 / Float(values.count).squareRoot())
        #expect(abs(square - 1) < 4 * (2 / Float(values.count)).squareRoot())
        withExtendedLifetime(arena) {}
    }
}
