/// Which worker holds which key: an identity belongs to one worker at a time. A pure value.
///
/// A worker that died leaves its key behind, and whoever starts it anew comes with the same one. So a newcomer with a
/// key in use is kept waiting: it is refused when the holder speaks again, which proves that there are two, and let in
/// when the holder is given up.
public struct IdentityLedger: Sendable {
    /// What to do with a message.
    public enum Verdict: Sendable, Equatable {
        /// The sender is who it says it is. `intruder`, if there is one, claimed the same key meanwhile.
        case genuine(intruder: UInt64?)
        /// Not now: its key is in use, by somebody who may be gone.
        case waiting
        /// The sender speaks in the name of a worker with this other key.
        case impersonation(of: PublicKey)
    }

    private struct Holder {
        var worker: UInt64
        var newcomer: UInt64?
    }

    private var holders: [PublicKey: Holder] = [:]
    private var keys: [UInt64: PublicKey] = [:]

    /// Nobody holds anything.
    public init() {}

    /// Judges a message by the key that its connection has proved.
    ///
    /// - Parameter isKnown: whether a worker is one of the run's.
    public mutating func judge(
        _ worker: UInt64, key: PublicKey, isKnown: (UInt64) -> Bool
    ) -> Verdict {
        if let owner = keys[worker], owner != key {
            if isKnown(worker) { return .impersonation(of: owner) }
            forget(worker)
        }
        guard var holder = holders[key], holder.worker != worker else {
            let intruder = holders[key]?.newcomer
            holders[key] = Holder(worker: worker)
            keys[worker] = key
            return .genuine(intruder: intruder)
        }
        if isKnown(holder.worker) {
            holder.newcomer = worker
            holders[key] = holder
            return .waiting
        }
        forget(holder.worker)
        holders[key] = Holder(worker: worker)
        keys[worker] = key
        return .genuine(intruder: nil)
    }

    /// A worker is not one of the run's any more, or never became one.
    public mutating func forget(_ worker: UInt64) {
        guard let key = keys.removeValue(forKey: worker) else { return }
        if holders[key]?.worker == worker { holders[key] = nil }
    }

    /// The worker that holds a key, and any that spoke with it before.
    public func workers(with key: PublicKey) -> [UInt64] { keys.filter { $0.value == key }.map(\.key) }
}
