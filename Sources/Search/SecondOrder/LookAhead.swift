/// What an unrolled update of the alphas keeps between its parts; see `TrainingArithmetic.lookAhead`.
public struct LookAhead: Sendable, Equatable {
    /// w: the weights that the update began with.
    public var weights: [Float]
    /// v = ∇_w′ L_val(w′, α); zeros until it is known.
    public var direction: [Float]
    /// ∇_α L_val(w′, α); zeros until it is known.
    public var alphas: [Float]
    /// ∇_α L_train(w + εv, α); zeros until it is known.
    public var above: [Float]

    /// At the beginning.
    init(weights: [Float], alphas count: Int) {
        self.weights = weights
        direction = [Float](repeating: 0, count: weights.count)
        alphas = [Float](repeating: 0, count: count)
        above = alphas
    }

    /// In a fixed order, as they are sent and kept.
    public var sections: [[Float]] {
        get { [weights, direction, alphas, above] }
        set {
            precondition(newValue.map(\.count) == sections.map(\.count), "sections of other sizes")
            (weights, direction, alphas, above) = (newValue[0], newValue[1], newValue[2], newValue[3])
        }
    }

    /// From its sections.
    /// - Precondition: of these sizes: weights, weights, alphas, alphas.
    public init(sections: [[Float]]) {
        precondition(sections.count == 4 && sections[0].count == sections[1].count, "weights and a direction")
        precondition(sections[2].count == sections[3].count, "gradients of the alphas")
        (weights, direction, alphas, above) = (sections[0], sections[1], sections[2], sections[3])
    }
}
