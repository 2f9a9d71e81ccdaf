import Protocol
import Transport

/// What a coordinator proves itself with, and whom it lets in.
public struct CoordinatorKeys: Sendable {
    /// The coordinator's own key; workers are told its public half.
    public var own: KeyPair
    /// The workers' keys. Its file is read again on SIGHUP.
    public var allowed: AllowList

    /// All fields.
    public init(own: KeyPair, allowed: AllowList) {
        self.own = own
        self.allowed = allowed
    }
}
