/// Why a search cannot start or go on.
public enum SearchError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The configuration is impossible; the text says which value and what is allowed.
    case configuration(String)
    /// A gradient or loss is not finite at this half-step.
    case nonFinite(halfStep: Int)
    /// Asked to stop; all that is needed to go on was kept.
    case interrupted
    /// A state or result does not have the expected size or value.
    case mismatch(String)

    /// One line for whoever started the search.
    public var description: String {
        switch self {
        case .configuration(let text), .mismatch(let text): text
        case .nonFinite(let halfStep):
            "the gradient of half-step \(halfStep) is not finite, whoever computes it; try a smaller learning rate, or "
                + "pass over such half-steps with --on-nonfinite skip"
        case .interrupted: "interrupted; go on with --resume"
        }
    }
}
