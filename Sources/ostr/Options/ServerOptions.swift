import ArgumentParser
import Coordinator
import Transport

/// How a coordinator waits for workers of other machines, and whom it lets in.
struct ServerOptions: ParsableArguments {
    @OptionGroup var network: NetworkOptions

    @Option(
        help: ArgumentHelp(
            "The keys that may join: a file with a public key and a name on each line.", valueName: "file"))
    var allow: String?

    @Option(help: ArgumentHelp("Seconds to wait for the workers.", valueName: "seconds"))
    var joinTimeout = 60.0

    @Option(
        help: ArgumentHelp(
            "Seconds to wait for another worker when all are gone; then the run ends and can be resumed.",
            valueName: "seconds"))
    var workerTimeout = 60.0

    @Option(
        help: ArgumentHelp("Seconds a worker may be silent before it counts as lost.", valueName: "seconds"))
    var silenceTimeout = 5.0

    mutating func validate() throws {
        try Check.timeout(joinTimeout, "--join-timeout")
        try Check.timeout(workerTimeout, "--worker-timeout")
        try Check.timeout(silenceTimeout, "--silence-timeout")
        try network.check(allow, "--allow")
    }

    /// - Throws: `KeyError` for key files that are missing or malformed.
    func keys() throws(KeyError) -> CoordinatorKeys? { try network.keys(allow: allow) }

    func apply(to options: inout CoordinatorOptions, keys: CoordinatorKeys?) {
        options.joinTimeout = .seconds(joinTimeout)
        options.workerTimeout = .seconds(workerTimeout)
        options.silenceTimeout = .seconds(silenceTimeout)
        options.keys = keys
        options.insecure = network.insecure
    }
}
