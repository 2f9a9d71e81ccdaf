import ArgumentParser

/// What coordinators and workers share.
struct NetworkOptions: ParsableArguments {
    @Flag(
        help: ArgumentHelp(
            "Allow TCP without keys: whoever reaches the port can read and join the run. For networks you trust."))
    var insecure = false
}

extension Check {
    /// Seconds that a person means: more than 0, at most a year.
    static func timeout(_ seconds: Double, _ name: String) throws {
        if !(seconds > 0 && seconds <= 31_536_000) {
            throw ValidationError("\(name) \(seconds) is impossible; give seconds, more than 0 and at most a year.")
        }
    }
}
