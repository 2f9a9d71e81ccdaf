import ArgumentParser

/// How results of workers are verified.
struct AuditOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Share of the training's half-steps of which two further workers repeat a shard, and of the selection's "
                + "evaluations that a second worker repeats, 0 to 1. Of three the majority decides; whoever was wrong is "
                + "ejected, and what it may have spoilt is computed again.",
            valueName: "rate"))
    var audit = 0.0

    mutating func validate() throws {
        guard (0...1).contains(audit) else {
            throw ValidationError("--audit \(audit) is impossible; it must be 0 to 1.")
        }
    }
}
