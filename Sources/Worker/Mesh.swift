import Kernels
import Protocol
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

    init(door: MeshDoor) { self.door = door }

    var isJoined: Bool { machine != nil }
    var deadline: Duration? { machine?.deadline }

    /// Connects to the other members of a generation.
    func join(
        _ membership: Membership, buffer: GradientBuffer, largestGradient: Int
    ) throws(TransportError) {
        let runs = membership.members.map(\.run)
        self.membership = membership
        self.buffer = buffer
        machine = AllReduceMachine(
            generation: membership.generation, rank: membership.rank, shards: membership.shards, runs: runs,
            subtrees: runs.map { SummationTree.subtrees(of: $0, shards: membership.shards) }, firstHalfStep: 0,
            maximumElements: largestGradient)
        door.admit(membership.members)
        peers = []
        for (rank, member) in membership.members.enumerated() {
            if rank == membership.rank {
                peers.append(nil)
                continue
            }
            peers.append(try door.connect(to: member))
        }
    }
}
