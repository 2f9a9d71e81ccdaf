/// What a distributed run had to cope with.
public struct ClusterCounters: Sendable, Equatable, Codable {
    /// Messages and workers that were refused.
    public var refusedPeers = 0
    /// Messages between workers that were not used: of older generations or half-steps, repeated, or impossible.
    public var droppedMessages = 0
    /// Half-steps that a worker had begun and gave up for a newer generation, added over workers.
    public var repeatedHalfSteps = 0
    /// Strength tasks that were given to a second worker.
    public var duplicatedTasks = 0
    /// Strength tasks that were given to another worker to verify their result.
    public var auditedTasks = 0
    /// Shards of the training whose gradient several workers computed.
    public var auditedShards = 0
    /// Requests for parts of a gradient that did not come.
    public var chunksAskedAgain = 0
    /// Workers that were lost.
    public var lostWorkers = 0
    /// Generations that began.
    public var generations = 0
    /// Time that workers waited for a half-step's sum when they had computed their shards, added over workers.
    public var waitedMilliseconds = 0
    /// Of that, what went by after the last worker had computed its shards: the all-reduce's end, which nothing hides.
    public var exchangeMilliseconds = 0
    /// Processor time, in the training, of those threads of workers that do not compute, added over workers.
    public var networkMilliseconds = 0

    /// Nothing.
    public init() {}

    /// Of two runs.
    public static func + (a: ClusterCounters, b: ClusterCounters) -> ClusterCounters {
        var sum = ClusterCounters()
        sum.refusedPeers = a.refusedPeers + b.refusedPeers
        sum.droppedMessages = a.droppedMessages + b.droppedMessages
        sum.repeatedHalfSteps = a.repeatedHalfSteps + b.repeatedHalfSteps
        sum.duplicatedTasks = a.duplicatedTasks + b.duplicatedTasks
        sum.auditedTasks = a.auditedTasks + b.auditedTasks
        sum.auditedShards = a.auditedShards + b.auditedShards
        sum.chunksAskedAgain = a.chunksAskedAgain + b.chunksAskedAgain
        sum.lostWorkers = a.lostWorkers + b.lostWorkers
        sum.generations = a.generations + b.generations
        sum.waitedMilliseconds = a.waitedMilliseconds + b.waitedMilliseconds
        sum.exchangeMilliseconds = a.exchangeMilliseconds + b.exchangeMilliseconds
        sum.networkMilliseconds = a.networkMilliseconds + b.networkMilliseconds
        return sum
    }

    enum CodingKeys: String, CodingKey {
        case generations
        case refusedPeers = "refused_peers"
        case droppedMessages = "dropped_messages"
        case repeatedHalfSteps = "repeated_half_steps"
        case auditedTasks = "audited_tasks"
        case auditedShards = "audited_shards"
        case duplicatedTasks = "duplicated_tasks"
        case chunksAskedAgain = "chunks_asked_again"
        case lostWorkers = "lost_workers"
        case waitedMilliseconds = "waited_ms"
        case exchangeMilliseconds = "exchange_ms"
        case networkMilliseconds = "network_cpu_ms"
    }
}
