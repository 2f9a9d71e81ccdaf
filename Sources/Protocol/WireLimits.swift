/// What a peer may send. Whatever is larger is refused before memory is taken for it.
public enum WireLimits {
    /// Version of the messages; both sides must have the same.
    public static let protocolVersion: UInt32 = 5
    /// Bytes of one frame.
    public static let frame = 128 * 1024
    /// Frames of one message, the routing id included.
    public static let parts = 4
    /// Bytes of one message over all frames.
    public static let message = 256 * 1024
    /// Bytes of a gradient chunk.
    public static let gradientChunk = 128 * 1024
    /// Bytes of a part of the training state.
    public static let stateChunk = 32 * 1024
    /// Bytes of a whole training state.
    public static let state = 4 << 30
    /// Bytes of a configuration.
    public static let configuration = 64 * 1024
    /// Characters of a name, an address or a reason; longer reasons are cut by who sends them.
    public static let text = 4096
    /// Workers of a run.
    public static let members = 512
    /// Shards of a batch or of a task.
    public static let shards = 4096
    /// Edges of a supernet.
    public static let edges = 1024
    /// Operations of an edge.
    public static let operations = 256
    /// Criteria that are compared.
    public static let criteria = 256
    /// Loss sums in one message.
    public static let losses = 4096
    /// Items in one request.
    public static let wanted = 1024
    /// Half-steps of a training that may be passed over.
    public static let skipped = 1024
    /// Half-steps, tasks and images are counted up to here.
    public static let count = 1 << 48
}
