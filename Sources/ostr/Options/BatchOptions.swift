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
        if let shards, let refusal = BatchOptions.refusal(ofShards: shards, batch: batch) {
            throw ValidationError(refusal + ".")
        }
    }

    /// The shard count: as given, or that which comes nearest to 16 images a shard.
    var shardCount: Int {
        if let shards { return shards }
        let largest = max(1, batch / Preset.shardImages)
        return BatchOptions.allowed(batch: batch).last { $0 <= largest } ?? 1
    }

    var shardImages: Int { batch / shardCount }

    /// Why a batch cannot be cut into so many shards; nil when it can.
    static func refusal(ofShards shards: Int, batch: Int) -> String? {
        let allowed = allowed(batch: batch)
        if allowed.contains(shards) { return nil }
        return "--shards \(shards) is impossible; it must be a power of two that divides the batch of \(batch): "
            + allowed.map(String.init).joined(separator: ", ")
    }

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
