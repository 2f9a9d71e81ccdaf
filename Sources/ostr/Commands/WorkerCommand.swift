import ArgumentParser
import Datasets
import Logging
import Search
import Worker

/// `ostr worker`: one computing process of a search on several machines.
struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Joins a coordinator and computes for it, on one core, until the search is done.",
        discussion: """
            Start one for each core. What is searched comes from the coordinator; the images come from a folder here.

              ostr worker --connect tcp://first:7201 --key worker-1 --server-key coordinator.pub

            `ostr help keygen` tells how keys are made.
            """)

    @Option(
        help: ArgumentHelp("The coordinator's address: tcp://HOST:PORT or ipc://PATH.", valueName: "endpoint"))
    var connect: String

    @OptionGroup var place: DataOptions

    @Option(
        help: ArgumentHelp(
            "What messages call this worker; with keys, its name on the list counts. (default: the host's name and the "
                + "process id)",
            valueName: "name"))
    var name: String?

    @Option(
        help: ArgumentHelp(
            "Seconds to try to reach the coordinator. (default: as long as it takes)", valueName: "seconds"))
    var connectTimeout: Double?

    @Option(
        help: ArgumentHelp(
            "Seconds the coordinator may be silent before the worker gives up. (default: as long as it takes; a "
                + "coordinator that comes back is joined again)",
            valueName: "seconds"))
    var silenceTimeout: Double?

    @Option(
        help: ArgumentHelp(
            "Where other workers reach this one: tcp://ADDRESS:PORT. (default: a free port on the address that leads "
                + "to the coordinator)",
            valueName: "endpoint"))
    var mesh: String?

    @Option(
        help: ArgumentHelp(
            "The coordinator's public key: 64 hexadecimal digits, or a file with the line that `ostr keygen` printed.",
            valueName: "key"))
    var serverKey: String?

    @Flag(help: ArgumentHelp("End when standard input ends; local launchers keep a pipe to it.", visibility: .hidden))
    var endWithStdin = false

    @Option(
        help: ArgumentHelp(
            "Sleep in each half-step instead of computing; `ostr bench --stand-in` starts workers that do.",
            valueName: "seconds", visibility: .hidden))
    var standIn: Double?

    @OptionGroup var instructions: InstructionSetOption
    @OptionGroup(title: "Network") var network: NetworkOptions
    @OptionGroup(title: "Log") var log: LogOptions

    mutating func validate() throws {
        if let connectTimeout { try Check.timeout(connectTimeout, "--connect-timeout") }
        if let silenceTimeout { try Check.timeout(silenceTimeout, "--silence-timeout") }
        try network.check(serverKey, "--server-key")
    }

    mutating func run() throws {
        log.start()
        Logger(label: "ostr.worker").info("computes with \(InstructionSet.own.rawValue)")
        var options = WorkerOptions(coordinator: connect)
        options.name = name
        options.connectTimeout = connectTimeout.map { .seconds($0) }
        options.silenceTimeout = silenceTimeout.map { .seconds($0) }
        options.meshEndpoint = mesh
        options.keys = try network.keys(server: serverKey)
        options.insecure = network.insecure
        options.endsWithStandardInput = endWithStdin
        options.standIn = standIn
        let place = place
        let worker = WorkerProcess(options: options) { configuration in
            try ImageDataset.load(
                kind: configuration.dataset, folder: place.folder(configuration.dataset), split: .training,
                limit: configuration.images)
        }
        try worker.run()
    }
}
