import ArgumentParser
import Coordinator

/// What becomes of workers that hold the training up.
struct SlowWorkerOptions: ParsableArguments {
    enum Policy: String, CaseIterable, ExpressibleByArgument {
        case warn
        case standBy = "stand-by"
    }

    @Option(
        help: ArgumentHelp(
            "What becomes of workers that hold the training up: warn names them; stand-by also leaves them out of the "
                + "training while there are others. They help in the selection either way.",
            valueName: "policy"))
    var slowWorkers = Policy.warn

    @Option(
        help: ArgumentHelp(
            "A worker is slow that takes so many times as long for a shard as the others.", valueName: "times"))
    var slowFactor = 3.0

    mutating func validate() throws {
        guard slowFactor > 1, slowFactor <= 1000 else {
            throw ValidationError("--slow-factor \(slowFactor) is impossible; it must be more than 1, at most 1000.")
        }
    }
}

extension SlowWorkerOptions {
    /// Hands these options on.
    func apply(to options: inout CoordinatorOptions) {
        options.slowFactor = slowFactor
        options.slowStandBy = slowWorkers == .standBy
    }
}
