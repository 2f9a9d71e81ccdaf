import ArgumentParser
import Coordinator

/// `ostr search`: everything on this machine.
struct SearchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search",
        abstract: "Runs a whole search on this machine: trains the supernet, then selects a cell by strength.",
        discussion: """
            Starts a coordinator and local workers, one core each, and takes them away again whatever happens. \
            Progress goes to standard error, the answer to standard output, everything to the run folder.

              ostr search                               small, on Fashion-MNIST
              ostr search --dataset cifar10             small, on CIFAR-10
              ostr search --preset paper --workers 16   the published size
              ostr search --workers 0                   no network, same numbers

            CIFAR-10 comes with script/fetch-cifar10. \

            For several machines see `ostr help coordinator`.
            """)

    @OptionGroup var options: SearchOptions
    @OptionGroup(title: "Verification") var verification: AuditOptions
    @OptionGroup(title: "Slow workers") var slow: SlowWorkerOptions

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
        if let run = options.checkpoints.resume {
            let prepared = try PreparedRun(resuming: run, onSaveError: options.checkpoints.onSaveError)
            return try Run(prepared, command: "search", workers: workers ?? prepared.formerWorkers ?? 0)
                .performLocally(adjust)
        }
        let workers = self.workers ?? WorkerCount.automatic(shards: options.batches.shardCount)
        let prepared = try PreparedRun(options, workersHere: workers)
        try Run(prepared, command: "search", workers: workers).performLocally(adjust)
    }

    private func adjust(_ options: inout CoordinatorOptions) {
        options.auditRate = verification.audit
        slow.apply(to: &options)
    }
}
