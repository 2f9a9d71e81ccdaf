import ArgumentParser

/// `ostr search`: everything on this machine.
struct SearchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search",
        abstract: "Runs a whole search on this machine: trains the supernet, then selects a cell by strength.",
        discussion: """
            Starts a coordinator and local workers, one core each, and takes them away again whatever happens. \
            Progress goes to standard error, the answer to standard output, everything to the run folder.

              ostr search                                            a small search on Fashion-MNIST
              ostr search --dataset cifar10 --data data/cifar10      the same on CIFAR-10 (script/fetch-cifar10)
              ostr search --preset paper --workers 16 --output runs/paper
              ostr search --workers 0 --seed 7                       one process, no network; the same numbers

            For several machines see `ostr help coordinator`.
            """)

    @OptionGroup var options: SearchOptions

    @Option(
        help: ArgumentHelp(
            "Worker processes; 0 runs the search in this process, without a network. The numbers do not depend on "
                + "it. (default: one a core, at most one a shard)",
            valueName: "n"))
    var workers: Int?

    mutating func validate() throws {
        try Check.notNegative(workers, "--workers")
        try Check.atMost(WorkerCount.largest, workers, "--workers")
    }

    mutating func run() throws {
        options.log.start()
        let prepared = try PreparedRun(options)
        let workers = self.workers ?? WorkerCount.automatic(shards: prepared.configuration.shards)
        try Run(prepared, command: "search", workers: workers).performLocally()
    }
}
