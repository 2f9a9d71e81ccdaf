import Protocol
import TestSupport
import Testing

struct CodecTests {
    @Test("a control message comes out as it went in", arguments: SampleMessages.controls.indices)
    func control(index: Int) throws {
        let envelope = ControlEnvelope(run: 5, worker: 6, message: SampleMessages.controls[index])
        #expect(try ControlCodec.decode(ControlCodec.encode(envelope)) == envelope)
    }

    @Test("a mesh message comes out as it went in", arguments: SampleMessages.meshes.indices)
    func mesh(index: Int) throws {
        let envelope = MeshEnvelope(
            run: 5, generation: 1, sender: 2, halfStep: 12, message: SampleMessages.meshes[index])
        #expect(try MeshCodec.decode(MeshCodec.encode(envelope)) == envelope)
    }

    @Test("a state without β, that of a network, is one; β without edges, and edges without β, are not")
    func statesWithoutBetas() throws {
        func coded(_ edges: Int, _ betas: [Float]) throws -> ControlMessage {
            let report = StateReport(appliedHalfSteps: 4, digest: 5, edges: edges, betas: betas)
            return try ControlCodec.decode(
                ControlCodec.encode(ControlEnvelope(run: 5, worker: 6, message: .stateReport(report)))
            ).message
        }
        #expect(
            try coded(0, []) == .stateReport(StateReport(appliedHalfSteps: 4, digest: 5, edges: 0, betas: [])))
        #expect(throws: ProtocolError.self) { try coded(0, [1]) }
        #expect(throws: ProtocolError.self) { try coded(2, []) }
        #expect(throws: ProtocolError.self) { try coded(2, [1, 1, 1]) }
    }

    @Test("a damaged chunk is refused")
    func damage() throws {
        let envelope = MeshEnvelope(run: 5, generation: 1, sender: 2, halfStep: 12, message: SampleMessages.meshes[0])
        var frames = try MeshCodec.encode(envelope)
        frames[1][3] ^= 4
        #expect(throws: ProtocolError.checksum(what: "a gradient chunk")) { try MeshCodec.decode(frames) }
    }

    @Test("a chunk whose header has any other bit is refused, too")
    func damagedHeader() throws {
        for halfStep in [0, 12] {
            let envelope = MeshEnvelope(
                run: 5, generation: 1, sender: 2, halfStep: halfStep, message: SampleMessages.meshes[0])
            let frames = try MeshCodec.encode(envelope)
            for bit in 0..<(8 * frames[0].count) {
                var damaged = frames
                damaged[0][bit / 8] ^= 1 << (bit % 8)
                #expect(throws: ProtocolError.self, "bit \(bit)") { try MeshCodec.decode(damaged) }
            }
        }
    }

    @Test("another version of the protocol is named in the error")
    func version() throws {
        // Field 1, the version, is 9.
        let expected = ProtocolError.version(found: 9, expected: WireLimits.protocolVersion)
        #expect(throws: expected) { try ControlCodec.decode([[0x08, 9]]) }
        #expect(throws: expected) { try MeshCodec.decode([[0x08, 9]]) }
    }

    @Test("what is larger than allowed is refused")
    func limits() throws {
        let big = [UInt8](repeating: 0, count: WireLimits.frame + 1)
        #expect(throws: ProtocolError.self) { try ControlCodec.decode([big]) }
        #expect(throws: ProtocolError.self) { try MeshCodec.decode([big]) }
        let chunk = GradientChunk(index: 0, subtree: 0..<1, stateDigest: 0, bytes: big)
        #expect(throws: ProtocolError.self) {
            try MeshCodec.encode(
                MeshEnvelope(run: 1, generation: 1, sender: 0, halfStep: 0, message: .chunk(chunk)))
        }
        let state = StateChunk(
            appliedHalfSteps: 8, offset: 0, total: WireLimits.state + 1, wholeChecksum: 0, bytes: [1])
        let frames = try ControlCodec.encode(ControlEnvelope(run: 1, worker: 1, message: .stateChunk(state)))
        #expect(throws: ProtocolError.self) { try ControlCodec.decode(frames) }
        let losses = Array(repeating: SampleMessages.losses[0], count: WireLimits.losses + 1)
        let many = try ControlCodec.encode(
            ControlEnvelope(run: 1, worker: 1, message: .progress(first: 0, losses: losses)))
        #expect(throws: ProtocolError.self) { try ControlCodec.decode(many) }
    }

    @Test("a header with more entries than any message has is refused before they are parsed")
    func manyFields() throws {
        // An empty entry takes two bytes: field 5 of a generation, field 2 of a progress, fields of the whole.
        for (body, entry) in [(32, 5), (13, 2)] as [(UInt8, UInt8)] {
            let entries = [UInt8](repeating: 0, count: 2 * 30_000).enumerated().map { place, _ in
                place.isMultiple(of: 2) ? entry << 3 | 2 : 0
            }
            var header: [UInt8] = [8, UInt8(WireLimits.protocolVersion)]
            header += [(body << 3 | 2) & 0x7f | 0x80, body >> 4]
            header += [UInt8(entries.count & 0x7f) | 0x80, UInt8(entries.count >> 7 & 0x7f) | 0x80]
            header += [UInt8(entries.count >> 14)] + entries
            let error = #expect(throws: ProtocolError.self) { try ControlCodec.decode([header]) }
            guard case .oversized(let what, _, _)? = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
            #expect(what == "a message's number of fields")
        }
        let outer = [UInt8](repeating: 0, count: 2000).enumerated().map { $0.0.isMultiple(of: 2) ? UInt8(8) : 1 }
        #expect(throws: ProtocolError.oversized(what: "a message's number of fields", found: 17, limit: 16)) {
            try MeshCodec.decode([outer])
        }
    }

    @Test("lengths beyond the end, endless numbers and groups are refused")
    func framing() {
        for header: [UInt8] in [
            [0x12, 0xff, 0xff, 0xff, 0xff, 0x07], [0x12, 5, 0], [0x08] + [UInt8](repeating: 0xff, count: 20), [0x0b],
            [0x09, 1], [0x80],
        ] {
            #expect(throws: ProtocolError.self) { try ControlCodec.decode([header]) }
            #expect(throws: ProtocolError.self) { try MeshCodec.decode([header]) }
        }
    }

    @Test("a text cannot begin a line of its own in a log, nor command a terminal")
    func texts() throws {
        let message = ControlMessage.failure(reason: "a\nostr: error: b\u{1b}[2J\u{202e}é")
        let frames = try ControlCodec.encode(ControlEnvelope(run: 1, worker: 1, message: message))
        #expect(
            try ControlCodec.decode(frames).message
                == .failure(reason: "a?ostr: error: b?[2J?é"))
    }

    @Test("memberships whose runs do not make up the shards are refused")
    func memberships() throws {
        for change: (inout Membership) -> Void in [
            { $0.shards = 8 }, { $0.shards = 3 }, { $0.rank = 2 }, { $0.members[1].run = 2..<4 },
            { $0.members.removeAll() },
        ] {
            var membership = SampleMessages.membership
            change(&membership)
            let frames = try ControlCodec.encode(
                ControlEnvelope(run: 1, worker: 1, message: .generation(membership)))
            #expect(throws: ProtocolError.self) { try ControlCodec.decode(frames) }
        }
    }

    @Test("mutated, cut and random messages are decoded or refused, never more")
    func mutations() throws {
        var random = SplitMix64(seed: 20)
        let frames = try (SampleMessages.controlFrames() + SampleMessages.meshFrames()).map(\.frames)
        var refused = 0
        for _ in 0..<100_000 {
            var message = frames[Int.random(in: frames.indices, using: &random)]
            for _ in 0...Int.random(in: 0...3, using: &random) {
                let frame = Int.random(in: message.indices, using: &random)
                if message[frame].isEmpty { continue }
                let place = Int.random(in: message[frame].indices, using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0: message[frame][place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 1: message[frame][place] = UInt8.random(in: .min ... .max, using: &random)
                case 2: message[frame].removeLast(message[frame].count - place)
                case 3: message[frame].insert(UInt8.random(in: .min ... .max, using: &random), at: place)
                default: message.append(message[frame])
                }
            }
            if (try? ControlCodec.decode(message)) == nil { refused += 1 }
            if (try? MeshCodec.decode(message)) == nil { refused += 1 }
        }
        #expect(refused > 100_000)
    }
}
