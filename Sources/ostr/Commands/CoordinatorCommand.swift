import ArgumentParser

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
    @OptionGroup(title: "Network") var server: ServerOptions

    @Option(
        help: ArgumentHelp(
            "Where workers join: tcp://ADDRESS:PORT, tcp://*:PORT for every address, or ipc://PATH.",
            valueName: "endpoint"))
    var bind: String

    @Option(help: ArgumentHelp("The search starts when so many workers are ready.", valueName: "n"))
    var workers: Int

    mutating func validate() throws {
        try Check.positive(workers, "--workers")
        try Check.atMost(WorkerCount.largest, workers, "--workers")
    }

    mutating func run() throws {
        options.log.start()
        let keys = try server.keys()
        let prepared: PreparedRun
        if let run = options.checkpoints.resume {
            prepared = try PreparedRun(resuming: run, onSaveError: options.checkpoints.onSaveError)
        } else {
            prepared = try PreparedRun(options, workersHere: 0)
        }
        try Run(prepared, command: "coordinator", workers: workers).performForWorkers(at: bind) {
            server.apply(to: &$0, keys: keys)
            slow.apply(to: &$0)
            $0.auditRate = verification.audit
        }
    }
}
