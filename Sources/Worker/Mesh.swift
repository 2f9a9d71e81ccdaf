import Kernels
import Protocol
import Search
import Transport

/// The sockets between workers and the all-reduce over them. Owned by the I/O thread.
final class Mesh {
    /// Where peers' messages come in.
    let door: MeshDoor
    var peers: [MessagingSocket?] = []
    var machine: AllReduceMachine?
    var membership: Membership?
    var buffer = GradientBuffer(capacity: 0)
    /// Messages that are not ours, or that a full queue did not take.
    var discarded = 0
    /// From the end of the last member's computation of a half-step to its sum, added over half-steps.
    var exchange = Duration.zero
    /// What the machines of older generations counted.
    private var formerCounters = AllReduceMachine.Counters()

    init(door: MeshDoor) { self.door = door }

    var deadline: Duration? { machine?.deadline }

    var generation: Int { membership?.generation ?? 0 }

    /// Of all generations so far.
    var counters: WorkerCounters {
        let now = machine?.counters ?? AllReduceMachine.Counters()
        let dropped = [formerCounters, now].reduce(0) { $0 + $1.stale + $1.duplicates + $1.rejected }
        var counters = WorkerCounters()
        counters.dropped = dropped + discarded
        counters.requested = formerCounters.requests + now.requests
        counters.exchangeMicroseconds = Int(exchange / .microseconds(1))
        return counters
    }

    /// Connects to the other members of a generation. What an older one sent and received counts no more.
    func join(
        _ membership: Membership, buffer: GradientBuffer, largestGradient: Int
    ) throws(TransportError) {
        leave()
        let runs = membership.members.map(\.run)
        self.membership = membership
        self.buffer = buffer
        machine = AllReduceMachine(
            generation: membership.generation, rank: membership.rank, shards: membership.shards, runs: runs,
            subtrees: runs.map { SummationTree.subtrees(of: $0, shards: membership.shards) }, firstHalfStep: 0,
            maximumElements: largestGradient, chunkElements: GradientChunks.elements)
        door.admit(membership.members)
        for (rank, member) in membership.members.enumerated() {
            if rank == membership.rank {
                peers.append(nil)
                continue
            }
            peers.append(try door.connect(to: member))
        }
    }

    /// Takes part in no generation any more.
    func leave() {
        if let counters = machine?.counters {
            formerCounters.stale += counters.stale
            formerCounters.duplicates += counters.duplicates
            formerCounters.rejected += counters.rejected
            formerCounters.requests += counters.requests
        }
        machine = nil
        membership = nil
        peers = []
    }
}
