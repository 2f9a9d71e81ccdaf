import ArgumentParser
import Coordinator

/// `ostr train`: a network of chosen cells, from scratch.
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Trains a network of chosen cells from scratch, and tests it.",
        discussion: """
            Starts a coordinator and local workers, one core each, as a search does, or with --bind waits for workers of other \
            machines; the numbers do not depend on how many there are. All training images are used, and the test images \
            at the end.

              ostr train --from runs/first                              small, the cells that a search chose
              ostr train --genotype genotype.txt --recipe darts         DARTS' recipe
              ostr train --architecture '|none~0|+|...' --recipe nasbench201 --dataset cifar10
              ostr train --resume runs/second                           goes on after an interruption

            docs/training.md tells what the recipes are.
            """)

    @OptionGroup var options: TrainOptions
    @OptionGroup(title: "Verification") var verification: AuditOptions
    @OptionGroup(title: "Slow workers") var slow: SlowWorkerOptions

    @OptionGroup(title: "Network between machines, with --bind") var server: ServerOptions

    @Option(
        help: ArgumentHelp(
            "Where workers of other machines join: tcp://ADDRESS:PORT, tcp://*:PORT for every address, or ipc://PATH. "
                + "(default: workers are started here)",
            valueName: "endpoint"))
    var bind: String?

    @Option(
        help: ArgumentHelp(
            "Worker processes; 0 trains in this process, without a network. The numbers do not depend on it. (default: "
                + "one a core, at most one a shard) With --bind: the training starts when so many have joined.",
            valueName: "n"))
    var workers: Int?

    mutating func validate() throws {
        try Check.notNegative(workers, "--workers")
        try Check.atMost(WorkerCount.largest, workers, "--workers")
        if bind != nil, workers ?? 0 < 1 {
            throw ValidationError("--bind wants --workers: how many workers the training waits for.")
        }
    }

    mutating func run() throws {
        options.log.start()
        let keys = try server.keys()
        let prepared: PreparedRun
        if let run = options.checkpoints.resume {
            prepared = try PreparedRun(
                resuming: run, as: .training, onSaveError: options.checkpoints.onSaveError)
        } else {
            prepared = try PreparedRun(options, workersHere: bind == nil ? workers : 1)
        }
        let count =
            workers ?? prepared.formerWorkers ?? WorkerCount.automatic(shards: prepared.configuration.shards)
        let run = Run(prepared, command: "train", workers: count)
        func adjust(_ options: inout CoordinatorOptions) {
            options.auditRate = verification.audit
            slow.apply(to: &options)
        }
        guard let bind else { return try run.performLocally(adjust) }
        try run.performForWorkers(at: bind) {
            adjust(&$0)
            server.apply(to: &$0, keys: keys)
        }
    }
}
