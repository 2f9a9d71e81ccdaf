import Supernet

/// A way to choose a cell from a trained supernet.
public struct Criterion: Codable, Sendable, Hashable {
    /// What is looked at.
    public enum Kind: String, Codable, Sendable, Hashable, CaseIterable {
        /// `SelectionCriterion.strength`, decided edge by edge.
        case strength
        /// `SelectionCriterion.removal`, decided edge by edge.
        case removal
        /// The largest β.
        case magnitude
        /// The Taylor expansion of the strength to first order in the mixture's weights: Σ β ∂L/∂β − ∂L/∂β of the operation.
        case firstOrder = "first-order"
        /// Chance.
        case random
        /// The complete cell with the smallest loss, all of them being measured.
        case exhaustive
    }

    /// What is looked at.
    public var kind: Kind
    /// At which weight operations stand alone; for `strength` and `removal`.
    public var weight: OperationWeight
    /// Whether `none` is no candidate.
    public var withoutNone: Bool

    /// All fields.
    public init(_ kind: Kind, weight: OperationWeight = .one, withoutNone: Bool = false) {
        self.kind = kind
        self.weight = weight
        self.withoutNone = withoutNone
    }

    /// Those of some kinds that differ in a space: strength at each weight, and each with and without `none` where that is
    /// a candidate.
    public static func all(of kinds: [Kind], in space: SearchSpace) -> [Criterion] {
        let none = space.operations.firstIndex(of: "none")
        let hasNone = space.candidates.contains { candidates in none.map { candidates.contains($0) } ?? false }
        return Kind.allCases.filter(kinds.contains).flatMap { kind in
            (kind == .strength ? OperationWeight.allCases : [.one]).flatMap { weight in
                (hasNone && kind != .exhaustive ? [false, true] : [false]).map {
                    Criterion(kind, weight: weight, withoutNone: $0)
                }
            }
        }
    }
}

/// What a criterion chose.
public struct CriterionResult: Sendable, Equatable {
    /// The one that chose.
    public var criterion: Criterion
    /// One operation an edge.
    public var operations: [Int]
    /// Whether the cell has each edge.
    public var kept: [Bool]
    /// Of the cell with each operation at weight 1, by the supernet's weights, on the held-out images.
    public var loss: LossSum
    /// Passes of a shard through the supernet that the choice looked at; one with a gradient counts as one.
    public var evaluations: Int
}

/// The losses of all complete cells of a space, by the supernet's weights.
public struct ExhaustiveLosses: Sendable, Equatable {
    /// One operation an edge, counted up with the last edge fastest.
    public var cells: [[Int]]
    /// Of each cell.
    public var losses: [LossSum]

    /// The place of the smallest loss; the first of several.
    public var best: Int { losses.indices.min { (losses[$0].loss, $0) < (losses[$1].loss, $1) } ?? 0 }
}

/// What a comparison of criteria ends with.
public struct ComparisonResult: Sendable, Equatable {
    /// In the order in which they were asked for.
    public var criteria: [CriterionResult]
    /// All complete cells, where `exhaustive` is among the criteria.
    public var cells: ExhaustiveLosses?
    /// Held-out images that all losses are over.
    public var images: Int
}
