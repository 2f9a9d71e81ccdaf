extension ControlCodec {
    static func message(
        of body: Ostr_Control.OneOf_Body, payload: [UInt8]
    ) throws(ProtocolError) -> ControlMessage {
        switch body {
        case .hello(let hello):
            return .hello(
                Hello(
                    build: try text(hello.build), name: try text(hello.name), host: try text(hello.host),
                    pid: Int(hello.pid), numericDigest: hello.numericDigest,
                    meshEndpoint: try text(hello.meshEndpoint)))
        case .ready(let ready):
            return .ready(
                Ready(datasetDigest: try text(ready.datasetDigest), imageCount: try count(ready.imageCount)))
        case .status(let status): return .status(try value(status))
        case .progress(let progress):
            return .progress(first: try count(progress.firstHalfStep), losses: try values(progress.losses))
        case .stateReport(let report): return .stateReport(try value(report))
        case .taskResult(let result):
            try check("derivatives", result.derivatives.count, WireLimits.edges * WireLimits.operations)
            return .taskResult(
                TaskResult(
                    id: try count(result.id), losses: try values(result.losses), derivatives: result.derivatives))
        case .failure(let failure): return .failure(reason: try text(failure.reason))
        case .leave(let leave): return .leave(reason: try text(leave.reason))
        case .standing(let standing): return .standing(try value(standing))
        case .objection(let objection): return .objection(try value(objection))
        case .snapshotOffer(let offer):
            return .snapshotOffer(appliedHalfSteps: try count(offer.appliedHalfSteps), digest: offer.digest)
        case .welcome(let welcome):
            try check("a configuration", welcome.configuration.count, WireLimits.configuration)
            return .welcome(configuration: [UInt8](welcome.configuration))
        case .refusal(let refusal): return .refusal(reason: try text(refusal.reason))
        case .generation(let generation): return .generation(try value(generation))
        case .synchronize(let order):
            try check("a rank", Int(order.source), WireLimits.members)
            return .synchronize(
                Synchronization(
                    generation: Int(order.generation), appliedHalfSteps: try count(order.appliedHalfSteps),
                    digest: order.digest, source: order.source == 0 ? nil : Int(order.source) - 1))
        case .dismissal(let dismissal):
            return .dismissal(reason: try text(dismissal.reason), resetState: dismissal.resetState)
        case .ping(let ping):
            return .ping(
                generation: Int(ping.generation), lease: try count(ping.lease),
                knownLosses: try count(ping.knownLosses),
                offersState: ping.offersState)
        case .task(let task): return .task(try value(task))
        case .revoke(let revoke): return .revoke(id: try count(revoke.id))
        case .finish(let finish): return .finish(reason: try text(finish.reason))
        case .stateRequest(let request): return .stateRequest(try value(request))
        case .stateChunk(let chunk): return .stateChunk(try value(chunk, payload))
        }
    }

    static func values(_ losses: [Ostr_LossSum]) throws(ProtocolError) -> [LossEntry] {
        try check("a list of losses", losses.count, WireLimits.losses)
        var values: [LossEntry] = []
        values.reserveCapacity(losses.count)
        for entry in losses {
            values.append(
                LossEntry(loss: entry.loss, correct: try count(entry.correct), images: try count(entry.images)))
        }
        return values
    }

    static func range(
        _ lower: UInt32, _ upper: UInt32, _ what: String, limit: Int
    ) throws(ProtocolError) -> Range<Int> {
        guard lower < upper else { throw .malformed("\(what) \(lower) ..< \(upper) is empty") }
        try check(what, Int(upper), limit)
        return Int(lower)..<Int(upper)
    }

    static func count(_ value: UInt64) throws(ProtocolError) -> Int {
        guard value <= UInt64(WireLimits.count) else {
            throw .oversized(what: "a number", found: Int(clamping: value), limit: WireLimits.count)
        }
        return Int(value)
    }

    static func check(_ what: String, _ found: Int, _ limit: Int) throws(ProtocolError) {
        if found > limit { throw .oversized(what: what, found: found, limit: limit) }
    }

    /// A text that may stand in a line of a log: control characters, with which it could begin a line of its own or
    /// command a terminal, are replaced.
    private static func text(_ value: String) throws(ProtocolError) -> String {
        try check("a text", value.utf8.count, WireLimits.text)
        guard value.unicodeScalars.contains(where: isControl) else { return value }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: value.unicodeScalars.map { isControl($0) ? "?" : $0 })
        return String(text)
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    private static func value(_ status: Ostr_Status) throws(ProtocolError) -> WorkerStatus {
        guard let phase = WorkerStatus.Phase(rawValue: status.phase.rawValue) else {
            throw .malformed("phase \(status.phase.rawValue)")
        }
        try check("a list of tasks", status.tasks.count, WireLimits.wanted)
        var tasks: [Int] = []
        for id in status.tasks { tasks.append(try count(id)) }
        try check("a list of ranks", status.awaited.count, WireLimits.members)
        return WorkerStatus(
            phase: phase, generation: Int(status.generation),
            appliedHalfSteps: try count(status.appliedHalfSteps), tasks: tasks, work: try count(status.work),
            isBusy: status.busy, awaited: status.awaited.map { Int($0) },
            counters: try value(status.counters),
            trained: ShardTally(
                shards: try count(status.trainedShards), microseconds: try count(status.trainingMicroseconds)))
    }

    private static func value(_ wire: Ostr_WorkerCounters) throws(ProtocolError) -> WorkerCounters {
        var counters = WorkerCounters()
        counters.dropped = try count(wire.dropped)
        counters.requested = try count(wire.requested)
        counters.repeated = try count(wire.repeated)
        counters.waitedMicroseconds = try count(wire.waitedMicroseconds)
        counters.exchangeMicroseconds = try count(wire.exchangeMicroseconds)
        counters.networkMicroseconds = try count(wire.networkMicroseconds)
        return counters
    }

    private static func value(_ standing: Ostr_Standing) throws(ProtocolError) -> Standing {
        Standing(
            generation: Int(standing.generation), appliedHalfSteps: try count(standing.appliedHalfSteps),
            digest: standing.digest, first: try count(standing.firstHalfStep), losses: try values(standing.losses))
    }

    private static func value(_ objection: Ostr_Objection) throws(ProtocolError) -> Objection {
        try check("a shard", Int(objection.shard), WireLimits.shards)
        try check("a list of ranks", objection.wrong.count, WireLimits.members)
        return Objection(
            generation: Int(objection.generation), halfStep: try count(objection.halfStep),
            reason: try text(objection.reason), shard: objection.hasShard_p ? Int(objection.shard) : nil,
            wrong: objection.isAudit ? objection.wrong.map(Int.init) : nil)
    }

    static func value(_ request: Ostr_StateRequest) throws(ProtocolError) -> StateRequest {
        StateRequest(appliedHalfSteps: try count(request.appliedHalfSteps), offset: try count(request.offset))
    }

    private static func value(_ report: Ostr_StateReport) throws(ProtocolError) -> StateReport {
        let edges = Int(report.edges)
        try check("edges", edges, WireLimits.edges)
        try check("β", report.betas.count, edges * WireLimits.operations)
        // The state of a network that is trained has none.
        guard edges > 0 ? !report.betas.isEmpty && report.betas.count % edges == 0 : report.betas.isEmpty else {
            throw .malformed("\(report.betas.count) values of β on \(edges) edges")
        }
        return StateReport(
            appliedHalfSteps: try count(report.appliedHalfSteps), digest: report.digest, edges: edges,
            betas: report.betas)
    }

    private static func value(_ generation: Ostr_Generation) throws(ProtocolError) -> Membership {
        try check("members", generation.members.count, WireLimits.members)
        try check("shards", Int(generation.shards), WireLimits.shards)
        guard Int(generation.rank) < generation.members.count else {
            throw .malformed("rank \(generation.rank) of \(generation.members.count)")
        }
        let shards = Int(generation.shards)
        guard shards > 0, shards & (shards - 1) == 0 else { throw .malformed("\(shards) shards") }
        var members: [Membership.Member] = []
        var start = 0
        for member in generation.members {
            let run = try range(member.runLower, member.runUpper, "a run of shards", limit: shards)
            guard run.lowerBound == start else { throw .malformed("a run that starts at \(run.lowerBound)") }
            start = run.upperBound
            members.append(
                Membership.Member(
                    worker: member.worker, name: try text(member.name), host: try text(member.host),
                    meshEndpoint: try text(member.meshEndpoint), run: run, publicKey: try key(member.publicKey)))
        }
        guard start == shards else { throw .malformed("runs that end at \(start) of \(shards)") }
        guard (0...1).contains(generation.auditRate) else { throw .malformed("a rate of \(generation.auditRate)") }
        try check("a list of half-steps", generation.skipped.count, WireLimits.skipped)
        var skipped: [Int] = []
        for halfStep in generation.skipped { skipped.append(try count(halfStep)) }
        return Membership(
            generation: Int(generation.number), rank: Int(generation.rank), shards: shards,
            halfSteps: try count(generation.halfSteps), members: members,
            snapshotInterval: try count(generation.snapshotInterval), skipped: skipped,
            auditRate: generation.auditRate)
    }

    private static func key(_ bytes: some Collection<UInt8>) throws(ProtocolError) -> PublicKey? {
        if bytes.isEmpty { return nil }
        guard let key = PublicKey(bytes) else { throw .malformed("a public key of \(bytes.count) bytes") }
        return key
    }

    private static func value(_ task: Ostr_Task) throws(ProtocolError) -> TaskAssignment {
        try check("edges", task.decided.count, WireLimits.edges)
        var decided: [Int?] = []
        for operation in task.decided {
            try check("an operation", Int(operation), WireLimits.operations)
            decided.append(operation == 0 ? nil : Int(operation) - 1)
        }
        var replacement: (edge: Int, operation: Int)?
        if task.edge > 0 || task.operation > 0 {
            guard task.edge > 0, Int(task.edge) <= decided.count, task.operation > 0 else {
                throw .malformed("a replacement on no edge")
            }
            try check("an operation", Int(task.operation), WireLimits.operations)
            replacement = (Int(task.edge) - 1, Int(task.operation) - 1)
        }
        let shards = try range(task.shardLower, task.shardUpper, "shards", limit: Int(UInt32.max))
        try check("shards of a task", shards.count, WireLimits.shards)
        try check("a criterion", Int(task.criterion), WireLimits.criteria)
        return TaskAssignment(
            id: try count(task.id), replacement: replacement, decided: decided, shards: shards,
            criterion: task.criterion == 0 ? nil : Int(task.criterion) - 1)
    }

    static func value(
        _ chunk: Ostr_StateChunk, _ payload: [UInt8]
    ) throws(ProtocolError) -> StateChunk {
        let offset = try count(chunk.offset)
        let total = try count(chunk.total)
        try check("a state", total, WireLimits.state)
        try check("a state chunk", payload.count, WireLimits.stateChunk)
        guard !payload.isEmpty, offset + payload.count <= total else {
            throw .malformed("\(payload.count) bytes at \(offset) of a state of \(total)")
        }
        guard XXH64.hash(payload) == chunk.checksum else { throw .checksum(what: "a state chunk") }
        return StateChunk(
            appliedHalfSteps: try count(chunk.appliedHalfSteps), offset: offset, total: total,
            wholeChecksum: chunk.wholeChecksum, bytes: payload)
    }
}
