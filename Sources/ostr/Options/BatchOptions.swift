import ArgumentParser

/// Batches and their shards.
struct BatchOptions: ParsableArguments {
    static let largestBatch = 1 << 20

    @Option(help: ArgumentHelp("Images of one half-step, B.", valueName: "n"))
    var batch = 64

    @Option(
        help: ArgumentHelp(
            "Shards that a batch is cut into: a power of two that divides the batch. Batch normalisation uses its "
                + "shard's statistics. (default: 16 images a shard)",
            valueName: "n"))
    var shards: Int?

    mutating func validate() throws {
        try Check.positive(batch, "--batch")
        try Check.atMost(Self.largestBatch, batch, "--batch")
        try Check.positive(shards, "--shards")
        if let shards, shards & (shards - 1) != 0 || batch % shards != 0 {
            throw ValidationError(
                "--shards \(shards) is impossible; it must be a power of two that divides the batch of \(batch): "
                    + BatchOptions.allowed(batch: batch).map(String.init).joined(separator: ", ") + ".")
        }
    }

    /// The shard count: as given, or that which comes nearest to 16 images a shard.
    var shardCount: Int {
        if let shards { return shards }
        let largest = max(1, batch / Preset.shardImages)
        return BatchOptions.allowed(batch: batch).last { $0 <= largest } ?? 1
    }

    var shardImages: Int { batch / shardCount }

    /// Powers of two that divide a batch, rising.
    static func allowed(batch: Int) -> [Int] {
        var result: [Int] = []
        var shards = 1
        while batch % shards == 0 {
            result.append(shards)
            shards *= 2
        }
        return result
    }
}
