import ArgumentParser
import Coordinator
import Reporting
import Search

/// `ostr coordinator`: the planning process of a search on several machines.
struct CoordinatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator",
        abstract: "Runs a search with workers that join over the network.",
        discussion: """
            Waits for the workers, plans, decides and writes the run folder; it computes no loss itself. Workers need \
            the same images in a folder of their own; they are compared by digest.

              ostr coordinator --bind 'tcp://*:7201' --workers 2 --key coordinator --allow workers.allow
              ostr worker --connect tcp://first:7201 --key worker-1 --server-key coordinator.pub

            The second line is for each of two other machines, when `first` is \
            the name of the one with the coordinator. `ostr help keygen` tells how keys are made. The list of keys is \
            read again on SIGHUP.
            """)

    @OptionGroup var options: SearchOptions
    @OptionGroup(title: "Verification") var verification: AuditOptions
    @OptionGroup(title: "Slow workers") var slow: SlowWorkerOptions
    @OptionGroup(title: "Network") var network: NetworkOptions

    @Option(
        help: ArgumentHelp(
            "The keys that may join: a file with a public key and a name on each line.", valueName: "file"))
    var allow: String?

    @Option(
        help: ArgumentHelp(
            "Where workers join: tcp://ADDRESS:PORT, tcp://*:PORT for every address, or ipc://PATH.",
            valueName: "endpoint"))
    var bind: String

    @Option(help: ArgumentHelp("The search starts when so many workers are ready.", valueName: "n"))
    var workers: Int

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
        try Check.positive(workers, "--workers")
        try Check.atMost(WorkerCount.largest, workers, "--workers")
        try Check.timeout(joinTimeout, "--join-timeout")
        try Check.timeout(workerTimeout, "--worker-timeout")
        try Check.timeout(silenceTimeout, "--silence-timeout")
        try network.check(allow, "--allow")
    }

    mutating func run() throws {
        options.log.start()
        let keys = try network.keys(allow: allow)
        let prepared: PreparedRun
        if let run = options.checkpoints.resume {
            prepared = try PreparedRun(resuming: run, onSaveError: options.checkpoints.onSaveError)
        } else {
            prepared = try PreparedRun(options, workersHere: 0)
        }
        if prepared.configuration.selection.fineTuneEpochs != nil {
            throw Failure(
                .usage,
                "--fine-tune-epochs is impossible here: it takes a chain of runs, which `ostr search` and `ostr select` start with "
                    + "local workers")
        }
        let run = Run(prepared, command: "coordinator", workers: workers)
        var coordinator = run.coordinatorOptions(endpoint: bind) {
            $0.joinTimeout = .seconds(joinTimeout)
            $0.workerTimeout = .seconds(workerTimeout)
            $0.silenceTimeout = .seconds(silenceTimeout)
            $0.keys = keys
            $0.auditRate = verification.audit
            slow.apply(to: &$0)
            $0.insecure = network.insecure
        }
        try run.perform { keeping, observe in
            coordinator.keep(keeping)
            return try CoordinatorProcess(options: coordinator).run(observe: observe)
        }
    }
}
