import Kernels
import Testing

/// Draws for these tests: values of both signs over several magnitudes.
private func values(_ count: Int, stream: Int, scale: Float = 1) -> [Float] {
    let random = Philox(seed: 20_240_914, purpose: .synthetic, stream: stream)
    return (0..<count).map { random.normal(at: $0) * scale }
}

private func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }

@Suite("Update rules")
struct UpdatesTests {
    static let sizes = [0, 1, 3, 7, 8, 9, 15, 16, 17, 31, 64, 1000, 16384, 16387]

    @Test("adding buffers equals the scalar sum bit for bit, and leaves what follows alone", arguments: sizes)
    func addition(count: Int) {
        let addend = values(count + 1, stream: 1)
        var target = values(count + 1, stream: 2)
        let expected = (0..<count).map { target[$0] + addend[$0] } + [target[count]]
        VectorAddition.add(addend, to: &target, count: count)
        #expect(bits(target) == bits(expected))
    }

    @Test("the sum of squares is taken in the documented order", arguments: sizes)
    func squares(count: Int) {
        let input = values(count, stream: 3, scale: 1e-3)
        var lanes = [Double](repeating: 0, count: 8)
        for i in 0..<count { lanes[i % 8] += Double(input[i]) * Double(input[i]) }
        let expected = ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))
        #expect(VectorAddition.sumOfSquares(input, count: count) == expected)
    }

    @Test(
        "the sum of squares is not finite when a single value is not, wherever it stands",
        arguments: [Float.nan, .infinity, -.infinity], [0, 5, 7, 8, 12, 16, 18])
    func notFinite(value: Float, position: Int) {
        var input = values(19, stream: 4)
        input[position] = value
        #expect(!VectorAddition.sumOfSquares(input, count: 19).isFinite)
    }

    @Test("the sum of squares of the largest floats is finite")
    func largest() {
        let input = [Float](repeating: .greatestFiniteMagnitude, count: 1001)
        #expect(VectorAddition.sumOfSquares(input, count: 1001).isFinite)
    }

    @Test("SGD equals its scalar twin bit for bit", arguments: sizes, [true, false])
    func sgd(count: Int, nesterov: Bool) {
        let update = SGDUpdate(
            average: 0.25, clip: 0.7315, weightDecay: 5e-4, momentum: 0.9, nesterov: nesterov, learningRate: 0.025)
        var weights = values(count, stream: 5)
        var momentum = [Float](repeating: 0, count: count)
        var expectedWeights = weights
        var expectedMomentum = momentum
        for step in 0..<3 {
            let gradient = values(count, stream: 6 + step)
            update.apply(gradientSum: gradient, weights: &weights, momentum: &momentum, count: count)
            for i in 0..<count {
                let g = (gradient[i] * 0.25 * 0.7315 as Float).addingProduct(5e-4, expectedWeights[i])
                if step == 0 {
                    expectedMomentum[i] = g
                } else {
                    expectedMomentum[i] = g.addingProduct(0.9, expectedMomentum[i])
                }
                let d = nesterov ? g.addingProduct(0.9, expectedMomentum[i]) : expectedMomentum[i]
                expectedWeights[i] = expectedWeights[i].addingProduct(-0.025, d)
            }
        }
        #expect(bits(weights) == bits(expectedWeights))
        #expect(bits(momentum) == bits(expectedMomentum))
    }

    @Test("Adam follows its definition, computed in Double", arguments: [1, 5, 30, 224])
    func adam(count: Int) {
        var alphas = values(count, stream: 10, scale: 1e-2)
        var first = [Float](repeating: 0, count: count)
        var second = first
        var exact = alphas.map(Double.init)
        var exactFirst = [Double](repeating: 0, count: count)
        var exactSecond = exactFirst
        var beta1Power = 1.0
        var beta2Power = 1.0
        for step in 1...20 {
            let gradient = values(count, stream: 10 + step)
            let update = AdamUpdate(
                average: 0.5, learningRate: 3e-3, beta1: 0.5, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-3,
                step: step)
            update.apply(gradientSum: gradient, alphas: &alphas, first: &first, second: &second, count: count)
            beta1Power *= 0.5
            beta2Power *= 0.999
            for i in 0..<count {
                let g = Double(gradient[i]) * 0.5 + 1e-3 * exact[i]
                exactFirst[i] = 0.5 * exactFirst[i] + 0.5 * g
                exactSecond[i] = 0.999 * exactSecond[i] + 0.001 * g * g
                let denominator = (exactSecond[i] / (1 - beta2Power)).squareRoot() + 1e-8
                exact[i] -= 3e-3 * (exactFirst[i] / (1 - beta1Power)) / denominator
            }
        }
        for i in 0..<count {
            #expect(abs(Double(alphas[i]) - exact[i]) < 2e-7)
            #expect(abs(Double(first[i]) - exactFirst[i]) < 1e-6)
            #expect(abs(Double(second[i]) - exactSecond[i]) < 1e-6)
        }
    }
}

@Suite("State digest")
struct StateDigestTests {
    static func digest(_ floats: [Float]) -> UInt64 {
        var digest = StateDigest()
        digest.combine(floats, count: floats.count)
        return digest.value
    }

    @Test("every single flipped bit changes the digest", arguments: [1, 2, 7, 8, 9, 16, 21])
    func flippedBit(count: Int) {
        let floats = values(count, stream: 40)
        let original = StateDigestTests.digest(floats)
        for i in 0..<count {
            for bit in 0..<32 {
                var changed = floats
                changed[i] = Float(bitPattern: floats[i].bitPattern ^ (1 << bit))
                #expect(StateDigestTests.digest(changed) != original, "element \(i), bit \(bit)")
            }
        }
    }

    @Test("order, length and the borders between buffers count")
    func order() {
        let floats = values(1001, stream: 41)
        let original = StateDigestTests.digest(floats)
        var swapped = floats
        swapped.swapAt(3, 11)
        #expect(StateDigestTests.digest(swapped) != original)
        #expect(StateDigestTests.digest(floats + [0]) != original)
        var split = StateDigest()
        split.combine(floats, count: 500)
        split.combine(Array(floats[500...]), count: 501)
        #expect(split.value != original)
    }

    @Test("the same bits give the same digest on every machine")
    func fixedValue() {
        let floats = (0..<37).map { Float($0) * 0.5 - 3 }
        var digest = StateDigest()
        digest.combine(12)
        digest.combine(floats, count: floats.count)
        #expect(String(digest.value, radix: 16) == "10bcd4625dbd09c")
    }
}
