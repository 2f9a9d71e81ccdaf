import Kernels
import Supernet

/// Everything that training changes.
public struct TrainingState: Sendable, Equatable {
    /// Half-steps behind it.
    public var appliedHalfSteps: Int
    /// In the order of `Supernet.parameters`, or of `FinalNetwork.parameters` with its running statistics.
    public var weights: [Float]
    /// SGD's momentum, one a weight; running statistics have 0.
    public var momentum: [Float]
    /// (edges, operations).
    public var alphas: [Float]
    /// Adam's first moment, one an alpha.
    public var adamFirst: [Float]
    /// Adam's second moment, one an alpha.
    public var adamSecond: [Float]

    /// Amid an unrolled update of the alphas; nil otherwise.
    public var lookAhead: LookAhead?

    /// The state before the first half-step: momentum and moments are 0.
    public init(weights: [Float], alphas: [Float]) {
        appliedHalfSteps = 0
        self.weights = weights
        momentum = [Float](repeating: 0, count: weights.count)
        self.alphas = alphas
        adamFirst = [Float](repeating: 0, count: alphas.count)
        adamSecond = adamFirst
    }

    /// The state that a training of this configuration starts from.
    /// - Throws: `SearchError.configuration` when the supernet's shape is impossible.
    public static func initial(_ configuration: SearchConfiguration) throws(SearchError) -> TrainingState {
        // An auxiliary head cannot be made for one image.
        let images = configuration.network?.auxiliaryWeight ?? 0 > 0 ? 2 : 1
        return try Trainee(configuration, shardImages: images).initialState(seed: configuration.seed)
    }

    private var sections: [[Float]] {
        [weights, momentum, alphas, adamFirst, adamSecond] + (lookAhead?.sections ?? [])
    }

    /// appliedHalfSteps (UInt64), then weights, momentum, alphas, first and second moment (Float32), little-endian; amid an unrolled
    /// update then the weights that it began with, their gradient ahead, and two gradients of the alphas.
    public func encoded() -> [UInt8] {
        let sections = self.sections
        var bytes: [UInt8] = []
        bytes.reserveCapacity(8 + 4 * sections.reduce(0) { $0 + $1.count })
        LittleEndian.append(UInt64(appliedHalfSteps), to: &bytes)
        for section in sections { LittleEndian.append(section, to: &bytes) }
        return bytes
    }

    /// Cost: a supernet is made for a moment, to know the number of its parameters.
    ///
    /// - Throws: `SearchError` when the number of bytes is not that of the shape.
    public init(decoding bytes: [UInt8], shape: SupernetShape) throws(SearchError) {
        let supernet = try Supernet.checked(shape: shape, shardImages: 1)
        try self.init(
            decoding: bytes, weights: supernet.parameters.count, alphas: supernet.edges * supernet.operations)
    }

    /// The same for known numbers of weights and alphas.
    public init(decoding bytes: [UInt8], weights weightCount: Int, alphas alphaCount: Int) throws(SearchError) {
        let expected = 8 + 4 * (2 * weightCount + 3 * alphaCount)
        let amid = expected + 4 * 2 * (weightCount + alphaCount)
        guard bytes.count == expected || bytes.count == amid else {
            throw .mismatch(
                "a state has \(bytes.count) bytes; \(weightCount) weights and \(alphaCount) alphas need \(expected)")
        }
        let applied = LittleEndian.word(bytes, at: 0)
        guard let appliedHalfSteps = Int(exactly: applied) else {
            throw .mismatch("a state claims \(applied) half-steps, more than there can be")
        }
        self.appliedHalfSteps = appliedHalfSteps
        var offset = 8
        func section(_ count: Int) -> [Float] {
            defer { offset += 4 * count }
            return LittleEndian.floats(bytes, at: offset, count: count)
        }
        weights = section(weightCount)
        momentum = section(weightCount)
        alphas = section(alphaCount)
        adamFirst = section(alphaCount)
        adamSecond = section(alphaCount)
        if bytes.count == amid && amid != expected {
            lookAhead = LookAhead(sections: [weightCount, weightCount, alphaCount, alphaCount].map(section))
        }
    }

    /// A 64-bit digest of everything, cheap enough for every half-step.
    public var digest: UInt64 {
        var digest = StateDigest()
        digest.combine(UInt64(appliedHalfSteps))
        for section in sections {
            digest.combine(section, count: section.count)
        }
        return digest.value
    }

    func hasSizes(of other: TrainingState) -> Bool {
        weights.count == other.weights.count && momentum.count == other.momentum.count
            && alphas.count == other.alphas.count && adamFirst.count == other.adamFirst.count
            && adamSecond.count == other.adamSecond.count
            && lookAhead.map { [weights, weights, alphas, alphas].map(\.count) == $0.sections.map(\.count) } ?? true
    }
}
