/// Why an all-reduce cannot go on.
public enum AllReduceError: Error, Sendable, Equatable {
    /// Two replicas that must be equal are not. Ranks are those of the generation.
    case stateMismatch(halfStep: Int, rank: Int, digest: UInt64, other: Int, otherDigest: UInt64)
    /// A half-step was begun out of order: a fault of the caller.
    case outOfOrder(expected: Int, found: Int)

    /// The half-step that cannot be finished.
    public var halfStep: Int {
        switch self {
        case .stateMismatch(let halfStep, _, _, _, _): halfStep
        case .outOfOrder(let expected, _): expected
        }
    }
}
