extension ControlCodec {
    static func body(of message: ControlMessage) -> Ostr_Control.OneOf_Body {
        switch message {
        case .hello(let hello):
            return .hello(
                .with {
                    $0.build = cut(hello.build)
                    $0.name = cut(hello.name)
                    $0.host = cut(hello.host)
                    $0.pid = UInt32(clamping: hello.pid)
                    $0.numericDigest = hello.numericDigest
                    $0.meshEndpoint = cut(hello.meshEndpoint)
                })
        case .ready(let ready):
            return .ready(
                .with {
                    $0.datasetDigest = cut(ready.datasetDigest)
                    $0.imageCount = UInt64(clamping: ready.imageCount)
                })
        case .status(let status):
            return .status(
                .with {
                    $0.phase = .init(rawValue: status.phase.rawValue) ?? .starting
                    $0.generation = UInt32(clamping: status.generation)
                    $0.appliedHalfSteps = UInt64(clamping: status.appliedHalfSteps)
                    $0.tasks = status.tasks.map { UInt64(clamping: $0) }
                    $0.work = UInt64(clamping: status.work)
                    $0.busy = status.isBusy
                    $0.awaited = status.awaited.map { UInt32(clamping: $0) }
                    $0.counters = wire(status.counters)
                    $0.trainedShards = UInt64(clamping: status.trained.shards)
                    $0.trainingMicroseconds = UInt64(clamping: status.trained.microseconds)
                })
        case .progress(let first, let losses):
            return .progress(
                .with {
                    $0.firstHalfStep = UInt64(clamping: first)
                    $0.losses = losses.map(wire)
                })
        case .stateReport(let report):
            return .stateReport(
                .with {
                    $0.appliedHalfSteps = UInt64(clamping: report.appliedHalfSteps)
                    $0.digest = report.digest
                    $0.edges = UInt32(clamping: report.edges)
                    $0.betas = report.betas
                })
        case .taskResult(let result):
            return .taskResult(
                .with {
                    $0.id = UInt64(clamping: result.id)
                    $0.losses = result.losses.map(wire)
                    $0.derivatives = result.derivatives
                })
        case .failure(let reason): return .failure(.with { $0.reason = cut(reason) })
        case .leave(let reason): return .leave(.with { $0.reason = cut(reason) })
        case .standing(let standing):
            return .standing(
                .with {
                    $0.generation = UInt32(clamping: standing.generation)
                    $0.appliedHalfSteps = UInt64(clamping: standing.appliedHalfSteps)
                    $0.digest = standing.digest
                    $0.firstHalfStep = UInt64(clamping: standing.first)
                    $0.losses = standing.losses.map(wire)
                })
        case .objection(let objection):
            return .objection(
                .with {
                    $0.generation = UInt32(clamping: objection.generation)
                    $0.halfStep = UInt64(clamping: objection.halfStep)
                    $0.reason = cut(objection.reason)
                    $0.hasShard_p = objection.shard != nil
                    $0.shard = UInt32(clamping: objection.shard ?? 0)
                    $0.isAudit = objection.wrong != nil
                    $0.wrong = (objection.wrong ?? []).map { UInt32(clamping: $0) }
                })
        case .snapshotOffer(let appliedHalfSteps, let digest):
            return .snapshotOffer(
                .with {
                    $0.appliedHalfSteps = UInt64(clamping: appliedHalfSteps)
                    $0.digest = digest
                })
        case .welcome(let configuration): return .welcome(.with { $0.configuration = .init(configuration) })
        case .refusal(let reason): return .refusal(.with { $0.reason = cut(reason) })
        case .generation(let membership): return .generation(wire(membership))
        case .synchronize(let order):
            return .synchronize(
                .with {
                    $0.generation = UInt32(clamping: order.generation)
                    $0.appliedHalfSteps = UInt64(clamping: order.appliedHalfSteps)
                    $0.digest = order.digest
                    $0.source = order.source.map { UInt32(clamping: $0 + 1) } ?? 0
                })
        case .dismissal(let reason, let resetState):
            return .dismissal(
                .with {
                    $0.reason = cut(reason)
                    $0.resetState = resetState
                })
        case .ping(let generation, let lease, let knownLosses, let offersState):
            return .ping(
                .with {
                    $0.generation = UInt32(clamping: generation)
                    $0.lease = UInt64(clamping: lease)
                    $0.knownLosses = UInt64(clamping: knownLosses)
                    $0.offersState = offersState
                })
        case .task(let task): return .task(wire(task))
        case .revoke(let id): return .revoke(.with { $0.id = UInt64(clamping: id) })
        case .finish(let reason): return .finish(.with { $0.reason = cut(reason) })
        case .stateRequest(let request): return .stateRequest(wire(request))
        case .stateChunk(let chunk): return .stateChunk(wire(chunk))
        }
    }

    static func wire(_ request: StateRequest) -> Ostr_StateRequest {
        .with {
            $0.appliedHalfSteps = UInt64(clamping: request.appliedHalfSteps)
            $0.offset = UInt64(clamping: request.offset)
        }
    }

    static func wire(_ chunk: StateChunk) -> Ostr_StateChunk {
        .with {
            $0.appliedHalfSteps = UInt64(clamping: chunk.appliedHalfSteps)
            $0.offset = UInt64(clamping: chunk.offset)
            $0.total = UInt64(clamping: chunk.total)
            $0.checksum = XXH64.hash(chunk.bytes)
            $0.wholeChecksum = chunk.wholeChecksum
        }
    }

    static func wire(_ entry: LossEntry) -> Ostr_LossSum {
        .with {
            $0.loss = entry.loss
            $0.correct = UInt64(clamping: entry.correct)
            $0.images = UInt64(clamping: entry.images)
        }
    }

    private static func wire(_ counters: WorkerCounters) -> Ostr_WorkerCounters {
        .with {
            $0.dropped = UInt64(clamping: counters.dropped)
            $0.requested = UInt64(clamping: counters.requested)
            $0.repeated = UInt64(clamping: counters.repeated)
            $0.waitedMicroseconds = UInt64(clamping: counters.waitedMicroseconds)
            $0.exchangeMicroseconds = UInt64(clamping: counters.exchangeMicroseconds)
            $0.networkMicroseconds = UInt64(clamping: counters.networkMicroseconds)
        }
    }

    private static func wire(_ membership: Membership) -> Ostr_Generation {
        .with {
            $0.number = UInt32(clamping: membership.generation)
            $0.rank = UInt32(clamping: membership.rank)
            $0.shards = UInt32(clamping: membership.shards)
            $0.halfSteps = UInt64(clamping: membership.halfSteps)
            $0.snapshotInterval = UInt64(clamping: membership.snapshotInterval)
            $0.skipped = membership.skipped.map { UInt64(clamping: $0) }
            $0.auditRate = membership.auditRate
            $0.members = membership.members.map { member in
                .with {
                    $0.worker = member.worker
                    $0.name = cut(member.name)
                    $0.host = cut(member.host)
                    $0.meshEndpoint = cut(member.meshEndpoint)
                    $0.runLower = UInt32(clamping: member.run.lowerBound)
                    $0.runUpper = UInt32(clamping: member.run.upperBound)
                    if let key = member.publicKey { $0.publicKey = .init(key.bytes) }
                }
            }
        }
    }

    private static func wire(_ task: TaskAssignment) -> Ostr_Task {
        .with {
            $0.id = UInt64(clamping: task.id)
            if let replacement = task.replacement {
                $0.edge = UInt32(clamping: replacement.edge + 1)
                $0.operation = UInt32(clamping: replacement.operation + 1)
            }
            $0.decided = task.decided.map { operation in
                guard let operation else { return 0 }
                return UInt32(clamping: operation + 1)
            }
            $0.shardLower = UInt32(clamping: task.shards.lowerBound)
            $0.shardUpper = UInt32(clamping: task.shards.upperBound)
            $0.criterion = task.criterion.map { UInt32(clamping: $0 + 1) } ?? 0
        }
    }

    private static func cut(_ text: String) -> String {
        text.utf8.count <= WireLimits.text ? text : String(text.prefix(WireLimits.text / 4))
    }
}
