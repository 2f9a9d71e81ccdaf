import ArgumentParser

/// Checks of single values, with one wording.
enum Check {
    static func positive(_ value: Int?, _ name: String) throws {
        if let value, value < 1 {
            throw ValidationError("\(name) \(value) is impossible; it must be 1 or more.")
        }
    }

    static func positive(_ value: Double?, _ name: String) throws {
        if let value, !(value > 0 && value.isFinite) {
            throw ValidationError("\(name) \(value) is impossible; it must be greater than 0.")
        }
    }

    static func notNegative(_ value: Int?, _ name: String) throws {
        if let value, value < 0 {
            throw ValidationError("\(name) \(value) is impossible; it must be 0 or more.")
        }
    }

    static func notNegative(_ value: Double?, _ name: String) throws {
        if let value, !(value >= 0 && value.isFinite) {
            throw ValidationError("\(name) \(value) is impossible; it must be 0 or more.")
        }
    }

    /// Sizes above this are mistakes that would exhaust the memory before anything could be said.
    static func atMost(_ limit: Int, _ value: Int?, _ name: String) throws {
        if let value, value > limit {
            throw ValidationError("\(name) \(value) is impossible; it must be \(limit) or less.")
        }
    }
}
