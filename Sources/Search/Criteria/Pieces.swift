/// Pieces of work that do not depend on each other, by number: which of them nobody has, and what came of them.
struct Pieces<Value: Sendable & Equatable>: Sendable {
    /// By number; nil while it is not known.
    private(set) var values: [Value?]
    /// How many are known.
    private(set) var known = 0
    /// Those from here on were never handed out.
    private var next = 0
    private var returned: [Int] = []

    init(count: Int) { values = Array(repeating: nil, count: count) }

    var isComplete: Bool { known == values.count }

    /// More of them, with the numbers that follow.
    mutating func append(_ count: Int) { values += Array(repeating: nil, count: count) }

    /// One that nobody has; nil when all are out or known.
    mutating func take() -> Int? {
        while let number = returned.popLast() {
            if values[number] == nil { return number }
        }
        while next < values.count {
            defer { next += 1 }
            if values[next] == nil { return next }
        }
        return nil
    }

    /// Puts one back that was handed out.
    mutating func giveBack(_ number: Int) {
        guard values.indices.contains(number), number < next, !returned.contains(number) else { return }
        returned.append(number)
    }

    /// - Returns: false, and nothing changes, when another value is known.
    mutating func record(_ value: Value, at number: Int) -> Bool {
        if let known = values[number] { return known == value }
        values[number] = value
        known += 1
        return true
    }
}
