/// Training states that can be gone back to, rising: the first one, and the last two that were kept.
///
/// The coordinator's machine has their digests in one, and whoever drives it the states themselves in another; both change
/// together.
public struct StateHistory<State: Sendable>: Sendable {
    private let first: State
    private var latest: [State] = []
    private let appliedHalfSteps: @Sendable (State) -> Int

    /// - Parameter appliedHalfSteps: of a state.
    public init(_ first: State, appliedHalfSteps: @escaping @Sendable (State) -> Int) {
        self.first = first
        self.appliedHalfSteps = appliedHalfSteps
    }

    /// Adds a state that is further than those before it.
    public mutating func keep(_ state: State) {
        latest = latest.suffix(1) + [state]
    }

    /// Forgets states that are further than so many half-steps, but for the first.
    /// - Returns: the furthest that is left.
    public mutating func goBack(to halfSteps: Int) -> State {
        while let last = latest.last, appliedHalfSteps(last) > halfSteps { latest.removeLast() }
        return latest.last ?? first
    }
}
