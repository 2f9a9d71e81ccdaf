import Kernels
import Logging
import Protocol
import Search
import Transport

/// One process of a mesh that sums a gradient again and again without computing one: what the all-reduce costs.
///
/// Every rank has one shard or more and contributes ones for each, so that every element of the sum must be the number of
/// shards.
public struct AllReducePeer: Sendable {
    /// The place among the peers, from 0.
    public var rank: Int
    /// Processes.
    public var worldSize: Int
    /// Where all peers have their socket files; they are made here.
    public var folder: String
    /// Floats of the gradient.
    public var elements: Int
    /// How often it is summed.
    public var rounds: Int

    /// All fields.
    public init(rank: Int, worldSize: Int, folder: String, elements: Int, rounds: Int) {
        precondition(worldSize > 0 && (0..<worldSize).contains(rank) && elements > 0 && rounds > 0)
        self.rank = rank
        self.worldSize = worldSize
        self.folder = folder
        self.elements = elements
        self.rounds = rounds
    }

    /// Sums, reports the seconds of each round, then answers other peers until standard input ends. Blocks.
    ///
    /// - Throws: `WorkerError.computation` for a wrong sum, or when a round takes longer than a minute;
    ///   `WorkerError.launcherGone` when standard input ends before the last round.
    public func run(report: ([Double]) -> Void) throws(WorkerError) {
        let failure: WorkerError?
        do throws(TransportError) {
            var rounds = try AllReduceRounds(self)
            failure = try rounds.run(report: report)
        } catch {
            throw .transport(error.description)
        }
        if let failure { throw failure }
    }

    /// Ranks, runs of shards and addresses, as a coordinator would give them.
    fileprivate var membership: Membership {
        let members = SummationTree.runs(shards: shards, workers: worldSize).enumerated().map { rank, run in
            Membership.Member(
                worker: UInt64(rank + 1), name: "rank \(rank)", host: "", meshEndpoint: address(rank), run: run)
        }
        return Membership(generation: 1, rank: rank, shards: shards, halfSteps: rounds, members: members)
    }

    fileprivate func address(_ rank: Int) -> String { "ipc://\(folder)/m\(rank)" }

    fileprivate var shards: Int {
        var shards = 1
        while shards < worldSize { shards *= 2 }
        return shards
    }
}

/// The rounds of one peer, with the sockets that they need.
private struct AllReduceRounds {
    private static let run: UInt64 = 1
    /// For all peers to come, and for a round.
    private static let patience = Duration.seconds(60)

    private let peer: AllReducePeer
    private let membership: Membership
    private let mesh: Mesh
    private let buffer: GradientBuffer
    private var poller = Poller()
    private let atMesh: Int
    private let atInput: Int

    init(_ peer: AllReducePeer) throws(TransportError) {
        self.peer = peer
        membership = peer.membership
        mesh = Mesh(
            door: try MeshDoor(
                MessagingContext(), at: Endpoint(peer.address(peer.rank)), keys: nil,
                logger: Logger(label: "ostr.bench")))
        buffer = GradientBuffer(capacity: peer.elements)
        try mesh.join(membership, buffer: buffer, largestGradient: peer.elements)
        mesh.door.add(to: &poller)
        atMesh = poller.add(mesh.door.socket)
        atInput = poller.add(descriptor: 0)
    }

    /// What went wrong, if something did.
    mutating func run(report: ([Double]) -> Void) throws(TransportError) -> WorkerError? {
        var seconds: [Double] = []
        for round in 0..<peer.rounds {
            let start = MonotonicClock.now
            if let failure = try sum(round) { return failure }
            seconds.append((MonotonicClock.now - start).inSeconds)
        }
        guard buffer.prefix(peer.elements).allSatisfy({ $0 == Float(peer.shards) }) else {
            return .computation("rank \(peer.rank): a sum is wrong")
        }
        report(seconds)
        // Others may still ask for something again.
        while !isInputClosed() {
            try poller.wait(.seconds(1))
            if poller.isReady(atMesh) { _ = try mesh.receive(run: Self.run, at: MonotonicClock.now) }
            try mesh.door.afterWait(poller)
        }
        return nil
    }

    /// One all-reduce.
    private mutating func sum(_ round: Int) throws(TransportError) -> WorkerError? {
        let limit = MonotonicClock.now + Self.patience
        var outcomes: [Mesh.Outcome] = []
        func give(_ event: ComputeEvent) throws(TransportError) {
            if let outcome = try mesh.take(event, run: Self.run, at: MonotonicClock.now) { outcomes.append(outcome) }
            outcomes += try mesh.receive(run: Self.run, at: MonotonicClock.now)
        }
        try give(.began(generation: 1, halfStep: round, elements: peer.elements, stateDigest: UInt64(round)))
        let own = membership.members[peer.rank].run
        for subtree in SummationTree.subtrees(of: own, shards: membership.shards) {
            let ones = [Float](repeating: Float(subtree.count), count: GradientChunks.elements)
            let chunks = (peer.elements + ones.count - 1) / ones.count
            for chunk in (0..<chunks).reversed() {
                let count = min(ones.count, peer.elements - chunk * ones.count)
                let bytes = ones[..<count].withUnsafeBytes { [UInt8]($0) }
                try give(.partial(generation: 1, chunk: chunk, subtree: subtree, bytes: bytes))
            }
        }
        let losses = Array(repeating: LossEntry(loss: 0, correct: 0, images: 1), count: own.count)
        try give(.computed(generation: 1, losses: losses, audit: nil))
        while outcomes.isEmpty {
            let now = MonotonicClock.now
            if now > limit { return .computation("rank \(peer.rank): a round takes longer than a minute") }
            try poller.wait(max(min(mesh.deadline ?? limit, limit) - now, .zero))
            if isInputClosed() { return .launcherGone }
            outcomes = try mesh.receive(run: Self.run, at: MonotonicClock.now)
            try mesh.door.afterWait(poller)
            if let deadline = mesh.deadline, MonotonicClock.now >= deadline {
                try mesh.tick(run: Self.run, at: MonotonicClock.now)
            }
        }
        if case .objection(_, let reason, _)? = outcomes.first { return .computation(reason) }
        return nil
    }

    private func isInputClosed() -> Bool { poller.isReady(atInput) && StandardInput.isClosed() }
}
