internal import Foundation
internal import SwiftProtobuf

/// Control messages as frames: a protobuf header, and the bytes themselves for a part of the state.
public enum ControlCodec {
    /// One frame, or two for a state chunk. Texts are cut to `WireLimits.text`.
    /// - Throws: `ProtocolError` when the message is larger than a peer would take.
    public static func encode(_ envelope: ControlEnvelope) throws(ProtocolError) -> [[UInt8]] {
        var control = Ostr_Control()
        control.protocol = WireLimits.protocolVersion
        control.run = envelope.run
        control.worker = envelope.worker
        control.body = body(of: envelope.message)
        let header: [UInt8]
        do {
            header = try control.serializedBytes()
        } catch {
            throw .malformed("\(error)")
        }
        try check("a message header", header.count, WireLimits.frame)
        if case .stateChunk(let chunk) = envelope.message {
            try check("a state chunk", chunk.bytes.count, WireLimits.stateChunk)
            return [header, chunk.bytes]
        }
        return [header]
    }

    /// Reads a message that came from outside.
    /// - Throws: `ProtocolError` for whatever is not exactly one of our messages.
    public static func decode(_ frames: [[UInt8]]) throws(ProtocolError) -> ControlEnvelope {
        guard let header = frames.first else { throw .parts(found: 0, expected: 1) }
        try check("a message header", header.count, WireLimits.frame)
        try HeaderScan.check(header)
        let control: Ostr_Control
        do {
            control = try Ostr_Control(serializedBytes: header)
        } catch {
            throw .malformed("not a message of this program")
        }
        guard control.protocol == WireLimits.protocolVersion else {
            throw .version(found: control.protocol, expected: WireLimits.protocolVersion)
        }
        guard let body = control.body else { throw .malformed("nothing in it") }
        let payload: [UInt8]?
        if case .stateChunk = body {
            guard frames.count == 2 else { throw .parts(found: frames.count, expected: 2) }
            payload = frames[1]
        } else {
            guard frames.count == 1 else { throw .parts(found: frames.count, expected: 1) }
            payload = nil
        }
        return ControlEnvelope(
            run: control.run, worker: control.worker, message: try message(of: body, payload: payload ?? []))
    }
}
