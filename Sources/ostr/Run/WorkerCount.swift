import Foundation

/// How many workers a machine runs.
enum WorkerCount {
    static let largest = 1024

    /// One a core; in a training at most one a shard, since more would only stand by.
    static func automatic(shards: Int?) -> Int {
        max(1, min(ProcessInfo.processInfo.activeProcessorCount, shards ?? largest))
    }
}
