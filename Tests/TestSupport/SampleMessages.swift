import Protocol

/// A message of each kind, for what encodes and decodes them.
public enum SampleMessages {
    public static let losses = [
        LossEntry(loss: 1.25, correct: 3, images: 16), LossEntry(loss: .infinity, correct: 0, images: 16),
    ]
    public static let membership = Membership(
        generation: 1, rank: 1, shards: 4, halfSteps: 100,
        members: [
            .init(
                worker: 7, name: "a", host: "h", meshEndpoint: "tcp://10.0.0.1:9", run: 0..<3,
                publicKey: PublicKey([UInt8](repeating: 9, count: 32))),
            .init(worker: 8, name: "b", host: "i", meshEndpoint: "ipc:///x", run: 3..<4),
        ])
    private static let counters = {
        var counters = WorkerCounters()
        (counters.dropped, counters.requested, counters.repeated) = (1, 2, 3)
        counters.waitedMicroseconds = 4
        counters.exchangeMicroseconds = 5
        counters.networkMicroseconds = 6
        return counters
    }()
    public static let controls: [ControlMessage] = [
        .hello(Hello(build: "1", name: "n", host: "h", pid: 3, numericDigest: .max, meshEndpoint: "ipc:///m")),
        .ready(Ready(datasetDigest: "abc", imageCount: 60000)),
        .status(
            WorkerStatus(
                phase: .ready, generation: 1, appliedHalfSteps: 12, tasks: [3, 4], work: 9, isBusy: true, awaited: [2],
                counters: counters,
                trained: ShardTally(shards: 7, microseconds: 1_234_567))),
        .progress(first: 9, losses: losses),
        .stateReport(StateReport(appliedHalfSteps: 4, digest: 5, edges: 2, betas: [0.5, 0.5, 0.25, 0.75])),
        .taskResult(TaskResult(id: 2, losses: losses, derivatives: [0.5, -.infinity])), .failure(reason: "no"),
        .leave(reason: ""),
        .welcome(configuration: [1, 2, 3]), .refusal(reason: "other images"), .generation(membership),
        .ping(generation: 3, lease: 64, knownLosses: 12, offersState: true),
        .task(TaskAssignment(id: 0, replacement: nil, decided: [nil, 0, 4], shards: 0..<8)),
        .task(TaskAssignment(id: 1, replacement: (0, 4), decided: [nil, nil], shards: 8..<9, criterion: 0)),
        .revoke(id: 1), .finish(reason: ""), .stateRequest(StateRequest(appliedHalfSteps: 8, offset: 0)),
        .standing(Standing(generation: 2, appliedHalfSteps: 8, digest: 4, first: 6, losses: losses)),
        .synchronize(Synchronization(generation: 2, appliedHalfSteps: 8, digest: 4, source: 0)),
        .synchronize(Synchronization(generation: 2, appliedHalfSteps: 8, digest: 4, source: nil)),
        .objection(Objection(generation: 2, halfStep: 8, reason: "differ", shard: nil)),
        .objection(Objection(generation: 2, halfStep: 8, reason: "NaN", shard: 0)),
        .objection(Objection(generation: 2, halfStep: 8, reason: "audit", shard: 1, wrong: [2])),
        .snapshotOffer(appliedHalfSteps: 8, digest: 4), .dismissal(reason: "lost", resetState: true),
        .stateChunk(StateChunk(appliedHalfSteps: 8, offset: 0, total: 3, wholeChecksum: 1, bytes: [1, 2, 3])),
    ]
    public static let meshes: [MeshMessage] = [
        .chunk(GradientChunk(index: 3, subtree: 2..<4, stateDigest: 77, bytes: Array(repeating: 5, count: 16))),
        .stateRequest(StateRequest(appliedHalfSteps: 8, offset: 32768)),
        .stateChunk(StateChunk(appliedHalfSteps: 8, offset: 0, total: 3, wholeChecksum: 1, bytes: [1, 2, 3])),
        .losses(losses, stateDigest: 9, audit: nil), .losses(losses, stateDigest: 9, audit: 11),
        .request([.losses, .chunk(index: 4, subtree: 0..<8)]),
    ]

    /// Frames of every control message, by the message's kind and place.
    public static func controlFrames() throws -> [(name: String, frames: [[UInt8]])] {
        try controls.enumerated().map { place, message in
            ("\(kind(message))\(place)", try ControlCodec.encode(ControlEnvelope(run: 5, worker: 6, message: message)))
        }
    }

    /// Frames of every mesh message, by the message's kind and place.
    public static func meshFrames() throws -> [(name: String, frames: [[UInt8]])] {
        try meshes.enumerated().map { place, message in
            let envelope = MeshEnvelope(run: 5, generation: 1, sender: 2, halfStep: 12, message: message)
            return ("\(kind(message))\(place)", try MeshCodec.encode(envelope))
        }
    }

    private static func kind(_ message: Any) -> String { Mirror(reflecting: message).children.first?.label ?? "" }
}
