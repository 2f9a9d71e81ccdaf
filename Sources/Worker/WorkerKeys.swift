import Protocol
import Transport

/// What a worker proves itself with, and the one coordinator it talks to.
public struct WorkerKeys: Sendable {
    /// The worker's own key; the coordinator lists its public half.
    public var own: KeyPair
    /// The public half of the coordinator's key.
    public var coordinator: PublicKey

    /// All fields.
    public init(own: KeyPair, coordinator: PublicKey) {
        self.own = own
        self.coordinator = coordinator
    }
}
