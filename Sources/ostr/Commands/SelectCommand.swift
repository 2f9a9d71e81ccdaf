import ArgumentParser

/// `ostr select`: the second half of a search, on a supernet that is trained already.
struct SelectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "select",
        abstract: "Selects a cell by strength from a trained supernet, on this machine.",
        discussion: """
            The supernet's shape is read off the file; tools/convert-supernet makes one of PyTorch's .pth. Strengths are measured on the second half of the data set's \
            training images, as in a search; batch normalisation uses its shard's statistics.

              ostr select --supernet runs/first/supernet.safetensors --full-table
              ostr select --supernet torch.safetensors --dataset cifar10
              ostr select --supernet runs/first/supernet.safetensors --criterion all --strength-images 64
              ostr select --resume runs/second
            """)

    @OptionGroup var options: SelectOptions

    @Option(
        help: ArgumentHelp(
            "Worker processes; 0 selects in this process. The numbers do not depend on it. (default: one a core)",
            valueName: "n"))
    var workers: Int?

    mutating func validate() throws {
        try Check.notNegative(workers, "--workers")
        try Check.atMost(WorkerCount.largest, workers, "--workers")
    }

    mutating func run() throws {
        options.log.start()
        let prepared: PreparedRun
        if let run = options.checkpoints.resume {
            prepared = try PreparedRun(resuming: run, as: .selection, onSaveError: options.checkpoints.onSaveError)
        } else {
            prepared = try PreparedRun(options)
        }
        let count = workers ?? prepared.formerWorkers ?? WorkerCount.automatic(shards: nil)
        try Run(prepared, command: "select", workers: count).performLocally()
    }
}
