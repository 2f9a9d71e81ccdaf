import Kernels
import Protocol
import Transport

/// The sockets between workers and the all-reduce over them. Owned by the I/O thread.
final class Mesh {
    let context: MessagingContext
    /// Peers' messages come in here.
    let inbox: MessagingSocket
    /// Where peers reach this worker.
    let endpoint: Endpoint
    var peers: [MessagingSocket?] = []
    var machine: AllReduceMachine?
    var membership: Membership?
    var buffer = GradientBuffer(capacity: 0)
    /// Messages that are not ours, or that a full queue did not take.
    var discarded = 0

    /// - Parameter address: to listen at; its port may be chosen by the system.
    init(_ context: MessagingContext, at address: Endpoint) throws(TransportError) {
        self.context = context
        inbox = try MessagingSocket(context, SocketConfiguration(.router))
        endpoint = try inbox.bind(address)
    }

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
        peers = []
        for (rank, member) in membership.members.enumerated() {
            if rank == membership.rank {
                peers.append(nil)
                continue
            }
            let socket = try MessagingSocket(context, SocketConfiguration(.dealer))
            try socket.connect(Endpoint(member.meshEndpoint))
            peers.append(socket)
        }
    }
}
