import ArgumentParser

/// How results of workers are verified.
struct AuditOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Share of the selection's evaluations that a second worker repeats, 0 to 1. Of an answer that differs a third "
                + "worker decides; whoever was wrong is ejected, and all its answers are repeated.",
            valueName: "rate"))
    var audit = 0.0

    mutating func validate() throws {
        guard (0...1).contains(audit) else {
            throw ValidationError("--audit \(audit) is impossible; it must be 0 to 1.")
        }
    }
}
