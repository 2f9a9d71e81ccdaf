import TestSupport

@testable import Protocol

extension Simulation {
    mutating func tick(_ index: Int) throws {
        var activity = WorkerMachine.Activity()
        activity.work = workers[index].machine.activity.work
        activity.isBusy = workers[index].isBusy
        activity.trained = workers[index].trained
        activity.awaited = workers[index].mesh?.awaited ?? []
        workers[index].machine.activity = activity
        if let mesh = workers[index].mesh, let deadline = mesh.deadline, now >= deadline {
            try change(index) { machine, now throws(AllReduceError) in machine.tick(at: now) }
        }
        try perform(workers[index].machine.tick(at: now), of: index)
    }

    /// Does what a worker's machine says, as `WorkerLoop` does.
    mutating func perform(_ actions: [WorkerMachine.Action], of index: Int) throws {
        for action in actions {
            switch action {
            case .send(let message):
                if case .standing(let standing) = message { workers[index].answered = standing.generation }
                sendToCoordinator(message, of: index)
            case .sendPeer(let rank, let message): sendToPeer(rank: rank, halfStep: 0, message, of: index)
            case .load: post(.load, of: index)
            case .join(let membership):
                workers[index].membership = membership
                let runs = membership.members.map(\.run)
                workers[index].mesh = AllReduceMachine(
                    generation: membership.generation, rank: membership.rank, shards: membership.shards, runs: runs,
                    subtrees: runs.map { SimulatedNumbers.subtrees(of: $0, in: 0..<membership.shards) },
                    firstHalfStep: 0, maximumElements: 11, chunkElements: SimulatedNumbers.chunkElements)
                post(.join(membership), of: index)
            case .lease(let generation, let halfSteps):
                post(.lease(generation: generation, halfSteps: halfSteps), of: index)
            case .exportState: post(.exportState, of: index)
            case .importState(let bytes, let generation):
                post(.importState(bytes, generation: generation), of: index)
            case .evaluate(let task): post(.evaluate(task), of: index)
            case .rejoin(_, let resetState):
                count("rejoin")
                workers[index].key = random.next()
                workers[index].answered = 0
                workers[index].membership = nil
                workers[index].mesh = nil
                post(.withdraw(resetState: resetState), of: index)
            case .end(let end):
                switch end {
                case .finished: break
                case .refused(let reason) where isFinishing || reason.contains("ejected"): break
                case .failed where workers[index].isStuck:
                    count("stuck process ended")
                    queue.post(.start(name: workers[index].number), at: now + .seconds(1))
                default: throw violation("\(workers[index].name) ended: \(end)")
                }
                stopWorker(index)
            }
        }
    }

    /// Takes what the compute thread tells.
    mutating func take(_ event: SimulatedWorker.Event, of index: Int) throws {
        let generation = workers[index].membership?.generation ?? 0
        switch event {
        case .loaded:
            try perform(workers[index].machine.loaded(Ready(datasetDigest: "d", imageCount: 1), at: now), of: index)
        case .began(let began, let halfStep, let digest):
            guard began == generation else { return }
            workers[index].buffer = Array(repeating: .nan, count: numbers.elements[halfStep])
            let elements = numbers.elements[halfStep]
            try change(index) { machine, now throws(AllReduceError) in
                try machine.begin(halfStep: halfStep, elements: elements, stateDigest: digest, at: now)
            }
        case .partial(let began, _, let chunk, let subtree, let bytes):
            guard began == generation else { return }
            try change(index) { machine, now throws(AllReduceError) in
                machine.contribute(chunk: chunk, subtree: subtree, bytes: bytes, at: now)
            }
        case .computed(let began, let losses, let audit):
            guard began == generation else { return }
            try change(index) { machine, now throws(AllReduceError) in
                machine.contribute(losses: losses, audit: audit, at: now)
            }
        case .applied(_, let halfSteps, let loss):
            try perform(workers[index].machine.applied(halfSteps: halfSteps, loss: loss, at: now), of: index)
        case .stands(let report, let stood):
            if stood == generation { workers[index].mesh?.expect(halfStep: report.appliedHalfSteps) }
            try perform(workers[index].machine.stands(report, generation: stood, at: now), of: index)
        case .snapshot(let bytes, let applied, let digest):
            let actions = workers[index].machine.tookSnapshot(bytes, appliedHalfSteps: applied, digest: digest, at: now)
            try perform(actions, of: index)
        case .exported(let bytes, let applied):
            try perform(workers[index].machine.exported(bytes, appliedHalfSteps: applied), of: index)
        case .evaluated(let task):
            let result = TaskResult(id: task.id, losses: numbers.taskLosses(task))
            try perform(workers[index].machine.evaluated(result), of: index)
        case .withdrawn: try perform(workers[index].machine.withdrawn(at: now), of: index)
        case .notFinite(let began, let halfStep, let shard):
            let actions = workers[index].machine.objects(
                halfStep: halfStep, reason: "not finite", shard: shard, generation: began)
            try perform(actions, of: index)
        }
    }

    mutating func take(_ envelope: MeshEnvelope, of index: Int) throws {
        guard envelope.run == workers[index].machine.run else { return }
        try perform(workers[index].machine.receive(envelope, at: now), of: index)
        try change(index) { machine, now throws(AllReduceError) in try machine.receive(envelope, at: now) }
    }

    private mutating func change(
        _ index: Int, _ body: (inout AllReduceMachine, Duration) throws(AllReduceError) -> [AllReduceMachine.Action]
    ) throws {
        guard var machine = workers[index].mesh else { return }
        workers[index].mesh = nil
        var actions: [AllReduceMachine.Action]
        do throws(AllReduceError) {
            actions = try body(&machine, now)
        } catch {
            workers[index].mesh = machine
            guard case .stateMismatch(let halfStep, _, _, _, _) = error else { throw violation("\(error)") }
            count("mismatch")
            let generation = workers[index].membership?.generation ?? 0
            let objected = workers[index].machine.objects(
                halfStep: halfStep, reason: "states differ", shard: nil, generation: generation)
            return try perform(objected, of: index)
        }
        while !actions.isEmpty {
            var further: [AllReduceMachine.Action] = []
            for action in actions {
                switch action {
                case .send(let rank, let halfStep, let message):
                    workers[index].mesh = machine
                    sendToPeer(rank: rank, halfStep: halfStep, message, of: index)
                case .reduce(let chunk, let parts):
                    guard let sum = SummationOrder.reduce(parts, shards: numbers.shards, add: addFloats) else {
                        throw violation("partial sums do not make up all shards")
                    }
                    further += machine.reduced(chunk: chunk, bytes: sum)
                case .place(let chunk, let bytes):
                    let values = floats(bytes)
                    let first = chunk * SimulatedNumbers.chunkElements
                    workers[index].buffer.replaceSubrange(first..<(first + values.count), with: values)
                case .complete(let halfStep, let losses, let audits):
                    if let membership = workers[index].membership,
                        let audit = GradientAudit(halfStep: halfStep, membership: membership),
                        case .wrong(let ranks) = audit.verdict(audits)
                    {
                        count("audit")
                        try perform(
                            workers[index].machine.objects(
                                halfStep: halfStep, reason: "audit", shard: audit.shard, wrong: ranks,
                                generation: machine.generation), of: index)
                        continue
                    }
                    post(.apply(generation: machine.generation, losses: losses), of: index)
                }
            }
            actions = further
        }
        workers[index].mesh = machine
    }

    // MARK: - The compute thread

    private mutating func post(_ command: SimulatedWorker.Command, of index: Int) {
        workers[index].commands.append(command)
        advance(index)
    }

    private mutating func tell(_ event: SimulatedWorker.Event, of index: Int) {
        // In order: later events of the same time come later.
        queue.post(.told(index: index, incarnation: index, event), at: now + .microseconds(100))
    }

    private mutating func work(_ work: SimulatedWorker.Work, of index: Int, upTo milliseconds: Int) {
        workers[index].work = work
        workers[index].workStarted = now
        let time = Int.random(in: 1...(milliseconds * workers[index].pace), using: &random)
        queue.post(.computed(index: index, incarnation: index), at: now + .milliseconds(time))
    }

    /// Begins what comes next, if the thread has nothing to do.
    private mutating func advance(_ index: Int) {
        guard workers[index].isAlive, !workers[index].isStuck else { return }
        switch workers[index].work {
        case .shards, .command: return
        case .waiting(let generation):
            guard !workers[index].commands.isEmpty else { return }
            let command = workers[index].commands.removeFirst()
            if case .apply(let of, let losses) = command {
                if of == generation { apply(losses, of: index) }
                return advance(index)
            }
            begin(command, of: index)
        case .idle:
            if workers[index].commands.isEmpty || (workers[index].nextHalfStep != nil && isPolled(index)) {
                if workers[index].nextHalfStep != nil { beginHalfStep(index) }
                return
            }
            begin(workers[index].commands.removeFirst(), of: index)
        }
    }

    /// The loop takes all commands before it begins a half-step.
    private func isPolled(_ index: Int) -> Bool { workers[index].commands.isEmpty }

    private mutating func begin(_ command: SimulatedWorker.Command, of index: Int) {
        let milliseconds: Int
        switch command {
        case .load: milliseconds = 50
        case .evaluate: milliseconds = 60
        case .exportState, .importState: milliseconds = 5
        case .join, .lease, .apply, .withdraw, .stop: milliseconds = 1
        }
        // What was waited for goes on being waited for, unless the command ends it.
        if case .waiting(let generation) = workers[index].work {
            switch command {
            case .join, .withdraw, .load, .importState: break
            default:
                handle(command, of: index)
                workers[index].work = .waiting(generation: generation)
                return advance(index)
            }
        }
        work(.command(command), of: index, upTo: milliseconds)
    }

    private mutating func beginHalfStep(_ index: Int) {
        guard let (membership, halfStep) = workers[index].nextHalfStep else { return }
        if workers[index].willDrift {
            workers[index].willDrift = false
            workers[index].state.drift = random.next() | 1
            count("drift")
        }
        tell(
            .began(
                generation: membership.generation, halfStep: halfStep,
                digest: workers[index].state.digest(numbers)), of: index)
        work(.shards, of: index, upTo: 8 * membership.members[membership.rank].run.count)
    }

    mutating func finishWork(_ index: Int) throws {
        switch workers[index].work {
        case .idle, .waiting: return
        case .command(let command):
            workers[index].work = .idle
            handle(command, of: index)
        case .shards:
            workers[index].machine.activity.work += 1
            guard let (membership, halfStep) = workers[index].nextHalfStep else {
                workers[index].work = .idle
                break
            }
            let run = membership.members[membership.rank].run
            workers[index].trained.shards += run.count
            workers[index].trained.microseconds += Int((now - workers[index].workStarted) / .microseconds(1))
            workers[index].work = .waiting(generation: membership.generation)
            if workers[index].isPoisoned {
                workers[index].isPoisoned = false
                count("objection")
                tell(
                    .notFinite(generation: membership.generation, halfStep: halfStep, shard: run.lowerBound), of: index)
                break
            }
            var drift = workers[index].state.drift
            var digest: UInt64?
            if let audit = GradientAudit(halfStep: halfStep, membership: membership),
                audit.ranks.contains(membership.rank)
            {
                digest = numbers.states[halfStep] ^ UInt64(audit.shard) ^ drift
                if workers[index].wrongGradients > 0 {
                    workers[index].wrongGradients -= 1
                    count("wrong gradient")
                    digest = random.next()
                    if run.contains(audit.shard) { drift = 1 }
                }
            }
            for subtree in SimulatedNumbers.subtrees(of: run, in: 0..<numbers.shards) {
                for chunk in (0..<numbers.chunks(halfStep)).reversed() {
                    let values = numbers.range(chunk, halfStep).map { numbers.sum(subtree, halfStep, $0, drift: drift) }
                    tell(
                        .partial(
                            generation: membership.generation, halfStep: halfStep, chunk: chunk, subtree: subtree,
                            bytes: bytes(values)), of: index)
                }
            }
            tell(
                .computed(
                    generation: membership.generation, losses: run.map { numbers.loss($0, halfStep) }, audit: digest),
                of: index)
        }
        advance(index)
        if let problem { throw problem }
    }

    private mutating func handle(_ command: SimulatedWorker.Command, of index: Int) {
        switch command {
        case .load:
            workers[index].state = SimulatedState()
            workers[index].joined = nil
            workers[index].isLoaded = true
            tell(.loaded, of: index)
        case .join(let membership):
            workers[index].joined = membership
            workers[index].lease = (0, 0)
            tell(.stands(workers[index].state.report(numbers), generation: membership.generation), of: index)
        case .lease(let generation, let halfSteps):
            workers[index].lease = (generation, halfSteps)
        case .exportState:
            let state = workers[index].state
            tell(.exported(state.encoded(numbers), applied: state.applied), of: index)
        case .importState(let bytes, let generation):
            workers[index].state = SimulatedState(decoding: bytes)
            tell(.stands(workers[index].state.report(numbers), generation: generation), of: index)
        case .evaluate(let task): tell(.evaluated(task), of: index)
        case .withdraw(let resetState):
            workers[index].joined = nil
            if resetState { workers[index].state = SimulatedState() }
            tell(.withdrawn, of: index)
        case .apply, .stop: break
        }
    }

    private mutating func apply(_ losses: [LossEntry], of index: Int) {
        let worker = workers[index]
        guard let joined = worker.joined else { return }
        let halfStep = worker.state.applied
        workers[index].work = .idle
        if worker.answered > joined.generation {
            problem = violation(
                "\(worker.name) applies in generation \(joined.generation) after it answered \(worker.answered)")
        }
        if worker.state.drift == 0, worker.buffer != numbers.sums[halfStep] {
            problem = violation("\(worker.name) applies a wrong sum to half-step \(halfStep): \(worker.buffer)")
        }
        workers[index].state.applied += 1
        let applied = halfStep + 1
        tell(
            .applied(generation: joined.generation, halfSteps: applied, loss: numbers.total(losses)), of: index)
        let state = workers[index].state
        if joined.rank == 0, joined.snapshotInterval > 0, applied % joined.snapshotInterval == 0 {
            tell(
                .snapshot(state.encoded(numbers), applied: applied, digest: state.digest(numbers)), of: index)
        }
        if applied == joined.halfSteps {
            tell(.stands(state.report(numbers), generation: joined.generation), of: index)
        }
    }
}

func floats(_ bytes: [UInt8]) -> [Float] { bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) } }

func bytes(_ floats: [Float]) -> [UInt8] { floats.withUnsafeBytes { [UInt8]($0) } }

func addFloats(_ target: inout [UInt8], _ addend: [UInt8]) {
    target = bytes(zip(floats(target), floats(addend)).map { $0 + $1 })
}
