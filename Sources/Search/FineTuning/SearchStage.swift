/// A part of a search that trains the weights between its decisions: so many epochs of the weights alone, with the edges decided
/// before as they are, then one decision more.
public struct SearchStage: Codable, Sendable, Hashable {
    /// By edge: its operation, nil while it is mixed.
    public var decided: [Int?]
    /// Epochs before: those that follow have other orders of images.
    public var firstEpoch: Int
    /// Half-steps before: those that follow are counted on from there.
    public var firstHalfStep: Int

    /// All fields.
    public init(decided: [Int?], firstEpoch: Int, firstHalfStep: Int) {
        self.decided = decided
        self.firstEpoch = firstEpoch
        self.firstHalfStep = firstHalfStep
    }
}
