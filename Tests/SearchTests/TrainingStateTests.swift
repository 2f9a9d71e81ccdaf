import Kernels
import Testing

@testable import Search

private func state(weights: Int, alphas: Int) -> TrainingState {
    let random = Philox(seed: 3, purpose: .synthetic)
    func draws(_ count: Int, from start: Int) -> [Float] { (0..<count).map { random.normal(at: start + $0) } }
    var state = TrainingState(weights: draws(weights, from: 0), alphas: draws(alphas, from: 1000))
    state.momentum = draws(weights, from: 2000)
    state.adamFirst = draws(alphas, from: 3000)
    state.adamSecond = draws(alphas, from: 4000)
    state.appliedHalfSteps = 71
    return state
}

@Suite("Training state")
struct TrainingStateTests {
    @Test("a state survives its bytes", arguments: [(1, 1), (17, 30), (1000, 30)])
    func roundTrip(weights: Int, alphas: Int) throws {
        let original = state(weights: weights, alphas: alphas)
        let bytes = original.encoded()
        #expect(bytes.count == 8 + 4 * (2 * weights + 3 * alphas))
        #expect(Array(bytes[0..<8]) == [71, 0, 0, 0, 0, 0, 0, 0])
        #expect(try TrainingState(decoding: bytes, weights: weights, alphas: alphas) == original)
    }

    @Test("bytes of another size are refused", arguments: [0, 7, 8, 11, 8 + 4 * 124 - 1, 8 + 4 * 124 + 4])
    func wrongSize(count: Int) {
        #expect(throws: SearchError.self) {
            try TrainingState(decoding: [UInt8](repeating: 0, count: count), weights: 17, alphas: 30)
        }
    }

    @Test("a number of half-steps that no Int holds is refused")
    func hugeCounter() {
        let bytes = [UInt8](repeating: 255, count: 8) + [UInt8](repeating: 0, count: 4 * 124)
        #expect(throws: SearchError.self) { try TrainingState(decoding: bytes, weights: 17, alphas: 30) }
    }

    @Test("the digest of a state sees a change of any part")
    func digest() {
        let original = state(weights: 17, alphas: 30)
        let changes: [(inout TrainingState) -> Void] = [
            { $0.appliedHalfSteps += 1 }, { $0.weights[16] = -$0.weights[16] }, { $0.momentum[0] += 1 },
            { $0.lookAhead = LookAhead(weights: $0.weights, alphas: 30) }, { $0.alphas[3] += 1 },
            { $0.adamFirst[29] += 1 }, { $0.adamSecond[14] += 1 },
        ]
        for change in changes {
            var changed = original
            change(&changed)
            #expect(changed.digest != original.digest)
        }
    }
}

@Suite("Training arithmetic")
struct TrainingArithmeticTests {
    private let arithmetic = TrainingArithmetic(weights: WeightsOptimizer(), alphas: AlphasOptimizer(), shards: 4)

    @Test("clipping acts on the norm of the averaged gradient, over chunks in order")
    func clipping() throws {
        let count = 2 * GradientChunks.elements + 5
        var small = TrainingState(weights: [Float](repeating: 0, count: count), alphas: [0])
        let gradient = [Float](repeating: 0.5, count: count)
        let norm = try #require(
            gradient.withUnsafeBufferPointer {
                arithmetic.stepWeights(of: &small, gradientSum: $0, learningRate: 1)
            })
        #expect(abs(norm - 0.125 * Double(count).squareRoot()) < 1e-9)
        // Nesterov's first step is g × (1 + momentum), g = average × clip / norm.
        let expected = -0.125 * (5 / norm) * 1.9
        #expect(small.weights.allSatisfy { abs(Double($0) - expected) < 1e-6 })
    }

    @Test("a gradient that is not finite changes nothing", arguments: [Float.nan, .infinity, -.infinity])
    func notFinite(value: Float) {
        var changed = state(weights: 17, alphas: 30)
        let original = changed
        var weightsGradient = [Float](repeating: 1, count: 17)
        weightsGradient[16] = value
        var alphasGradient = [Float](repeating: 1, count: 30)
        alphasGradient[3] = value
        let norms = [
            weightsGradient.withUnsafeBufferPointer {
                arithmetic.stepWeights(of: &changed, gradientSum: $0, learningRate: 1)
            },
            alphasGradient.withUnsafeBufferPointer { arithmetic.stepAlphas(of: &changed, gradientSum: $0, step: 1) },
        ]
        #expect(norms == [nil, nil])
        #expect(changed == original)
    }
}
