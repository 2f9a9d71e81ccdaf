import CZeroMQ
import Protocol

/// A Curve25519 key pair. The secret half leaves this module only into a key file.
public struct KeyPair: Sendable {
    /// What others know.
    public let publicKey: PublicKey
    /// What nobody else knows; 32 bytes.
    let secret: [UInt8]

    private static let textSize = 41

    /// A new pair, from the system's random numbers.
    /// - Throws: `TransportError.noEncryption` when the messaging library was built without it.
    public static func generate() throws(TransportError) -> KeyPair {
        try requireEncryption()
        var publicText = [CChar](repeating: 0, count: textSize)
        var secretText = publicText
        guard zmq_curve_keypair(&publicText, &secretText) == 0 else { throw .last("zmq_curve_keypair") }
        guard let publicKey = PublicKey(bytes(publicText)) else { throw .noEncryption }
        return KeyPair(publicKey: publicKey, secret: bytes(secretText))
    }

    /// The pair that a secret half belongs to; nil unless there are 32 bytes.
    init?(secret: [UInt8]) throws(TransportError) {
        try KeyPair.requireEncryption()
        guard secret.count == PublicKey.size else { return nil }
        var secretText = [CChar](repeating: 0, count: KeyPair.textSize)
        var publicText = secretText
        zmq_z85_encode(&secretText, secret, secret.count)
        guard zmq_curve_public(&publicText, &secretText) == 0 else { throw .last("zmq_curve_public") }
        guard let publicKey = PublicKey(KeyPair.bytes(publicText)) else { return nil }
        self.init(publicKey: publicKey, secret: secret)
    }

    private init(publicKey: PublicKey, secret: [UInt8]) {
        self.publicKey = publicKey
        self.secret = secret
    }

    static func requireEncryption() throws(TransportError) {
        if zmq_has("curve") == 0 { throw .noEncryption }
    }

    private static func bytes(_ text: [CChar]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: PublicKey.size)
        return zmq_z85_decode(&bytes, text) == nil ? [] : bytes
    }
}
