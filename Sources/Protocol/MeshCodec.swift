internal import SwiftProtobuf

/// Mesh messages as frames: a protobuf header, and the floats themselves for a chunk.
public enum MeshCodec {
    /// One frame, or two for a chunk.
    /// - Throws: `ProtocolError` when the message is larger than a peer would take.
    public static func encode(_ envelope: MeshEnvelope) throws(ProtocolError) -> [[UInt8]] {
        var mesh = Ostr_Mesh()
        mesh.protocol = WireLimits.protocolVersion
        mesh.run = envelope.run
        mesh.generation = UInt32(clamping: envelope.generation)
        mesh.sender = UInt32(clamping: envelope.sender)
        mesh.halfStep = UInt64(clamping: envelope.halfStep)
        var payload: [UInt8]?
        switch envelope.message {
        case .chunk(let chunk):
            try ControlCodec.check("a gradient chunk", chunk.bytes.count, WireLimits.gradientChunk)
            payload = chunk.bytes
            mesh.chunk = .with {
                $0.index = UInt32(clamping: chunk.index)
                $0.subtreeLower = UInt32(clamping: chunk.subtree.lowerBound)
                $0.subtreeUpper = UInt32(clamping: chunk.subtree.upperBound)
                $0.stateDigest = chunk.stateDigest
            }
            mesh.chunk.checksum = checksum(mesh, chunk.bytes)
        case .losses(let losses, let stateDigest, let audit):
            mesh.losses = .with {
                $0.losses = losses.map(ControlCodec.wire)
                $0.stateDigest = stateDigest
                if let audit { $0.audit = audit }
            }
        case .request(let wanted):
            mesh.request = .with { $0.wanted = wanted.map(wire) }
        case .stateRequest(let request): mesh.stateRequest = ControlCodec.wire(request)
        case .stateChunk(let chunk):
            try ControlCodec.check("a state chunk", chunk.bytes.count, WireLimits.stateChunk)
            payload = chunk.bytes
            mesh.stateChunk = ControlCodec.wire(chunk)
        }
        do {
            let header: [UInt8] = try mesh.serializedBytes()
            return payload.map { [header, $0] } ?? [header]
        } catch {
            throw .malformed("\(error)")
        }
    }

    /// Reads a message that came from outside.
    /// - Throws: `ProtocolError` for whatever is not exactly one of our messages.
    public static func decode(_ frames: [[UInt8]]) throws(ProtocolError) -> MeshEnvelope {
        guard let header = frames.first else { throw .parts(found: 0, expected: 1) }
        try ControlCodec.check("a message header", header.count, WireLimits.frame)
        try HeaderScan.check(header)
        let mesh: Ostr_Mesh
        do {
            mesh = try Ostr_Mesh(serializedBytes: header)
        } catch {
            throw .malformed("not a message of this program")
        }
        guard mesh.protocol == WireLimits.protocolVersion else {
            throw .version(found: mesh.protocol, expected: WireLimits.protocolVersion)
        }
        guard let body = mesh.body else { throw .malformed("nothing in it") }
        let message: MeshMessage
        switch body {
        case .chunk(let chunk):
            guard frames.count == 2 else { throw .parts(found: frames.count, expected: 2) }
            let found = try value(chunk, frames[1])
            guard checksum(mesh, frames[1]) == chunk.checksum else { throw .checksum(what: "a gradient chunk") }
            message = .chunk(found)
        case .losses(let losses):
            guard frames.count == 1 else { throw .parts(found: frames.count, expected: 1) }
            message = .losses(
                try ControlCodec.values(losses.losses), stateDigest: losses.stateDigest,
                audit: losses.hasAudit ? losses.audit : nil)
        case .request(let request):
            guard frames.count == 1 else { throw .parts(found: frames.count, expected: 1) }
            try ControlCodec.check("a request", request.wanted.count, WireLimits.wanted)
            var wanted: [WantedItem] = []
            for item in request.wanted { wanted.append(try value(item)) }
            message = .request(wanted)
        case .stateRequest(let request):
            guard frames.count == 1 else { throw .parts(found: frames.count, expected: 1) }
            message = .stateRequest(try ControlCodec.value(request))
        case .stateChunk(let chunk):
            guard frames.count == 2 else { throw .parts(found: frames.count, expected: 2) }
            message = .stateChunk(try ControlCodec.value(chunk, frames[1]))
        }
        return MeshEnvelope(
            run: mesh.run, generation: Int(mesh.generation), sender: Int(mesh.sender),
            halfStep: try ControlCodec.count(mesh.halfStep), message: message)
    }

    /// Of a chunk's floats and of every number of its header, so that none that was damaged is taken for another.
    private static func checksum(_ mesh: Ostr_Mesh, _ payload: [UInt8]) -> UInt64 {
        let chunk = mesh.chunk
        let header = [
            mesh.run, UInt64(mesh.generation), UInt64(mesh.sender), mesh.halfStep, UInt64(chunk.index),
            UInt64(chunk.subtreeLower), UInt64(chunk.subtreeUpper), chunk.stateDigest,
        ].map(\.littleEndian)
        return XXH64.hash(payload, seed: header.withUnsafeBytes { XXH64.hash($0) })
    }

    private static func wire(_ item: WantedItem) -> Ostr_Wanted {
        switch item {
        case .losses: .with { $0.losses = true }
        case .chunk(let index, let subtree):
            .with {
                $0.index = UInt32(clamping: index)
                $0.subtreeLower = UInt32(clamping: subtree.lowerBound)
                $0.subtreeUpper = UInt32(clamping: subtree.upperBound)
            }
        }
    }

    private static func value(_ item: Ostr_Wanted) throws(ProtocolError) -> WantedItem {
        if item.losses { return .losses }
        return .chunk(
            index: Int(item.index),
            subtree: try ControlCodec.range(
                item.subtreeLower, item.subtreeUpper, "a subtree", limit: WireLimits.shards))
    }

    private static func value(_ chunk: Ostr_Chunk, _ payload: [UInt8]) throws(ProtocolError) -> GradientChunk {
        try ControlCodec.check("a gradient chunk", payload.count, WireLimits.gradientChunk)
        guard !payload.isEmpty, payload.count % 4 == 0 else {
            throw .malformed("a gradient chunk of \(payload.count) bytes")
        }
        let subtree = try ControlCodec.range(
            chunk.subtreeLower, chunk.subtreeUpper, "a subtree", limit: WireLimits.shards)
        return GradientChunk(
            index: Int(chunk.index), subtree: subtree, stateDigest: chunk.stateDigest, bytes: payload)
    }
}
