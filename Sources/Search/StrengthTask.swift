/// One unit of selection work: losses of a range of shards, with some edges decided and possibly one edge replaced.
public struct StrengthTask: Sendable, Hashable, Codable {
    /// In the place of an operation: the edge is left out. Spaces have fewer operations.
    public static let leftOut = 255

    /// An edge whose mixture one operation replaces, or which is left out.
    public struct Replacement: Sendable, Hashable, Codable {
        /// From 0.
        public var edge: Int
        /// From 0, or `leftOut`.
        public var operation: Int

        /// Operation `operation` alone on `edge`.
        public init(edge: Int, operation: Int) {
            self.edge = edge
            self.operation = operation
        }
    }

    /// nil: the supernet as it stands.
    public var replacement: Replacement?
    /// One entry an edge: the operation decided for it or `leftOut`, nil while it is
    /// mixed.
    public var decided: [Int?]
    /// Shards of the held-out images.
    public var shards: Range<Int>
    /// Where criteria are compared: the place of the one that the task is for; nil for a complete cell. nil in a selection.
    public var criterion: Int?

    /// A task; `validate` tells whether a supernet has what it names.
    public init(replacement: Replacement?, decided: [Int?], shards: Range<Int>, criterion: Int? = nil) {
        self.replacement = replacement
        self.decided = decided
        self.shards = shards
        self.criterion = criterion
    }

    /// - Parameter criteria: that are compared.
    /// - Throws: `SearchError.mismatch` when an edge, an operation, a shard or a criterion does not exist.
    public func validate(edges: Int, operations: Int, shards count: Int, criteria: Int = 0) throws(SearchError) {
        if let criterion, !(0..<criteria).contains(criterion) {
            throw .mismatch("a task is for criterion \(criterion); \(criteria) are compared")
        }
        guard decided.count == edges else {
            throw .mismatch("a task decides \(decided.count) edges; the supernet has \(edges)")
        }
        for case let operation? in decided + [replacement?.operation]
        where !(0..<operations).contains(operation) && operation != StrengthTask.leftOut {
            throw .mismatch("a task names operation \(operation); there are 0 to \(operations - 1)")
        }
        if let edge = replacement?.edge, !(0..<edges).contains(edge) {
            throw .mismatch("a task replaces edge \(edge); there are 0 to \(edges - 1)")
        }
        guard shards.lowerBound >= 0, shards.upperBound <= count else {
            throw .mismatch("a task names shards \(shards); there are 0 to \(count - 1)")
        }
    }
}
