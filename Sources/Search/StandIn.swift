#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What takes the place of a supernet's arithmetic where the protocol alone is measured: it sleeps, and gives zeros.
struct StandIn {
    /// To sleep in a half-step, whatever the number of its shards, or in the evaluation of a batch.
    let seconds: Double

    /// A shard's gradient, one of `shards` that are computed here. After the forward pass, a third of the time, elements
    /// become final from the last to the first.
    func gradient(
        _ target: UnsafeMutablePointer<Float>, count: Int, shards: Int, final: (Range<Int>) -> Void
    ) {
        target.update(repeating: 0, count: count)
        let start = ContinuousClock.now
        let time = Duration.seconds(seconds / Double(max(shards, 1)))
        let parts = min(32, count)
        for part in (0..<parts).reversed() {
            sleep(until: start + time * ((1 + 2 * Double(parts - part) / Double(parts)) / 3))
            final(count * part / parts..<count * (part + 1) / parts)
        }
    }

    /// The forward pass of one of the shards that make up a batch.
    func evaluate(_ configuration: SearchConfiguration) -> LossSum {
        sleep(until: .now + .seconds(seconds / Double(configuration.shards)))
        return StandIn.loss(images: configuration.shardImages)
    }

    static func loss(images: Int) -> LossSum { LossSum(loss: Double(images), correct: 0, images: images) }

    private func sleep(until moment: ContinuousClock.Instant) {
        let left = moment - .now
        if left > .zero { usleep(UInt32(left / .microseconds(1))) }
    }
}
