import Foundation
import Kernels
import Logging
import Protocol
import Search
import Transport

/// The coordinator's one thread: it owns the socket to all workers and drives the state machine and the selection.
final class CoordinatorLoop {
    /// A worker process of this machine that has ended.
    struct Ended {
        let name: String
        let reason: String
    }

    /// Looks after worker processes that this process started: tells which have ended since the last time.
    /// - Parameter work: what was done so far; it grows.
    typealias Watch = (_ work: Int) throws(CoordinatorError) -> [Ended]

    private static let watchInterval = Duration.milliseconds(100)
    /// Messages that are handled before something else has its turn.
    private static let messagesPerTurn = 256
    /// For workers to answer the end of the run.
    private static let farewell = Duration.seconds(2)
    /// For the workers to finish a half-step and hand over their state when the run is interrupted.
    private static let suspension = Duration.seconds(20)

    let options: CoordinatorOptions
    private let watch: Watch?
    let logger = Logger(label: "ostr.coordinator")
    let run = UInt64.random(in: 1 ... .max)
    let plan: TrainingPlan
    let door: ControlDoor
    private var inbox = Inbox()
    private let signals: StopSignals?
    var machine: CoordinatorMachine
    /// Routing ids by worker key.
    private var routes: [UInt64: [UInt8]] = [:]
    var counters = ClusterCounters()
    /// Messages that runs before this one refused.
    private let refusedBefore: Int

    var epoch: EpochLosses
    var losses: [LossSum] = []
    /// The state that the coordinator has: the one to begin with, then that of each checkpoint, at last the trained one.
    var state: TrainingState
    var source: StateSource
    /// The state to begin with and those of the last checkpoints.
    var bases: StateHistory<TrainingState>
    var selection: (any TaskSource)?
    var evaluations: [SearchState.Evaluation] = []
    /// The evaluations by task.
    var recorded: [StrengthTask: SearchState.Evaluation] = [:]
    /// Who gave the result that is recorded.
    var givers: [StrengthTask: Giver] = [:]
    /// Tasks that another worker is to answer too.
    var verifications: [Verification] = []
    var betas: [[Float]] = []
    var lastSave = MonotonicClock.now
    var isSuspended = false
    /// Whether the network that is trained in place of a search is done.
    var isTrained = false
    /// Tasks that workers have or had, as the selection knows them.
    var dispatched: [Int: StrengthTask] = [:]
    var failure: CoordinatorError?

    /// - Parameter former: the run that this one follows, whose socket and workers it takes over.
    init(
        options: CoordinatorOptions, watch: Watch?, following former: CoordinatorLoop? = nil
    ) throws(CoordinatorError) {
        self.options = options
        self.watch = watch
        let configuration = options.configuration
        do throws(SearchError) {
            try configuration.validate(imageCount: options.imageCount)
        } catch {
            throw .search(error)
        }
        let plan = TrainingPlan(configuration: configuration, imageCount: options.imageCount)
        self.plan = plan
        let beginning: SearchState
        do throws(SearchError) {
            if let resume = options.resume {
                beginning = resume
            } else {
                beginning = SearchState(training: try TrainingState.initial(configuration), losses: [])
            }
        } catch {
            throw .search(error)
        }
        state = beginning.training
        bases = StateHistory(beginning.training) { $0.appliedHalfSteps }
        source = StateSource(beginning.training.encoded(), appliedHalfSteps: beginning.training.appliedHalfSteps)
        losses = beginning.losses
        epoch = EpochLosses(plan: plan, after: losses)
        evaluations = beginning.evaluations
        for evaluation in beginning.evaluations {
            recorded[evaluation.task] = evaluation
            givers[evaluation.task] = Giver(key: 0, name: "one that is gone")
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let json = try? encoder.encode(configuration) else {
            throw .search(.configuration("the configuration has a value that is not finite"))
        }
        if let former {
            signals = former.signals
            door = former.door
            door.begin(run)
        } else {
            do throws(TransportError) {
                signals = options.handlesSignals ? try StopSignals() : nil
                door = try ControlDoor(options, run: run, logger: logger)
            } catch {
                throw CoordinatorError(error)
            }
        }
        refusedBefore = door.refused
        let shards = configuration.shards
        let (weights, alphas) = (beginning.training.weights.count, beginning.training.alphas.count)
        var machinePlan = CoordinatorMachine.Plan(
            run: run, configuration: [UInt8](json), datasetDigest: configuration.datasetDigest, shards: shards,
            halfSteps: plan.halfSteps, expectedWorkers: max(options.expectedWorkers, 1),
            base: .init(beginning.training),
            runs: { workers in SummationTree.runs(shards: shards, workers: workers) },
            describe: { bytes in
                (try? TrainingState(decoding: bytes, weights: weights, alphas: alphas)).map { .init($0) }
            },
            joinTimeout: options.joinTimeout, progressTimeout: options.progressTimeout)
        machinePlan.knownLosses = beginning.losses.count
        machinePlan.skipped = beginning.skipped
        machinePlan.snapshotInterval = options.save == nil ? 0 : options.checkpointInterval
        machinePlan.onNonFinite = options.onNonFinite
        machinePlan.auditRate = options.auditRate
        machinePlan.slowFactor = options.slowFactor
        machinePlan.slowStandBy = options.slowStandBy
        machinePlan.workerTimeout = options.workerTimeout
        machinePlan.silenceTimeout = options.silenceTimeout
        machine =
            former.map { CoordinatorMachine(plan: machinePlan, following: $0.machine, at: MonotonicClock.now) }
            ?? CoordinatorMachine(plan: machinePlan, at: MonotonicClock.now)
    }

    /// - Parameter isEnough: asked often; whether to end with `CoordinatorError.endedEarly`.
    func run(
        until isEnough: () -> Bool = { false }, observe: (SearchEvent) -> Void
    ) throws(CoordinatorError) -> SearchOutcome {
        var poller = Poller()
        let atSocket = poller.add(door.socket)
        door.add(to: &poller)
        let atSignals = signals.map { poller.add(descriptor: $0.descriptor) }
        var outcome: SearchOutcome?
        do throws(CoordinatorError) {
            while outcome == nil, failure == nil {
                try step(&poller, atSocket, observe)
                if let atSignals, poller.isReady(atSignals), let signal = signals?.received {
                    failure = try suspend(signal, &poller, atSocket, observe)
                }
                if let reason = options.saveFailure?() { throw CoordinatorError.notKept(reason) }
                if isEnough() { throw CoordinatorError.endedEarly }
                outcome = finishedOutcome()
            }
        } catch {
            failure = failure ?? error
        }
        if failure == nil, options.isFollowed {
            try perform(machine.handOver(reason: "the next stage of the search begins"), observe)
        } else {
            sayFarewell(failure.map { "\($0)" } ?? "", &poller, atSocket)
        }
        observe(.counters(finalCounters))
        if let failure { throw failure }
        guard let outcome else { throw .transport("the run ended without an outcome") }
        return outcome
    }

    private var finalCounters: ClusterCounters {
        var counters = counters
        let workers = machine.counters
        counters.refusedPeers = door.refused - refusedBefore
        counters.droppedMessages = workers.dropped
        counters.chunksAskedAgain = workers.requested
        counters.repeatedHalfSteps = workers.repeated
        counters.duplicatedTasks = machine.duplicatedTasks
        counters.auditedShards = machine.auditedShards
        counters.waitedMilliseconds = workers.waitedMicroseconds / 1000
        counters.exchangeMilliseconds = workers.exchangeMicroseconds / 1000
        counters.networkMilliseconds = workers.networkMicroseconds / 1000
        return counters
    }

    /// Lets the workers finish their half-step, and keeps what was reached. A second signal ends the process at once.
    private func suspend(
        _ signal: Int32, _ poller: inout Poller, _ atSocket: Int, _ observe: (SearchEvent) -> Void
    ) throws(CoordinatorError) -> CoordinatorError {
        guard options.save != nil, machine.hasStarted else { return .interrupted(signal: signal, isSaved: false) }
        observe(.message("interrupted: finishing the step and saving; interrupt again to end at once"))
        let limit = MonotonicClock.now + CoordinatorLoop.suspension
        try perform(machine.suspend(at: MonotonicClock.now), observe)
        while !isSuspended, failure == nil, machine.readyWorkers > 0, MonotonicClock.now < limit {
            try step(&poller, atSocket, observe)
        }
        save()
        return .interrupted(signal: signal, isSaved: true)
    }

    private func step(
        _ poller: inout Poller, _ atSocket: Int, _ observe: (SearchEvent) -> Void
    ) throws(CoordinatorError) {
        let wait = machine.deadline - MonotonicClock.now
        let revoked: [(worker: UInt64, reason: String)]
        do throws(TransportError) {
            try poller.wait(inbox.isEmpty ? max(min(wait, CoordinatorLoop.watchInterval), .zero) : .zero)
            if poller.isReady(atSocket) { try inbox.read(door.socket, refuse: door.refuseFlood) }
            for _ in 0..<CoordinatorLoop.messagesPerTurn {
                guard let message = inbox.next() else { break }
                try take(message, observe)
            }
            revoked = try door.afterWait(poller)
        } catch {
            throw CoordinatorError(error)
        }
        for (worker, reason) in revoked {
            try send(.refusal(reason: reason), to: worker)
            try perform(machine.lost(worker, reason: reason, at: MonotonicClock.now), observe)
        }
        for ended in machine.isFinishing ? [] : try watch?(losses.count + evaluations.count) ?? [] {
            try perform(machine.lost(ended.name, reason: ended.reason, at: MonotonicClock.now), observe)
        }
        if MonotonicClock.now >= machine.deadline {
            routes = routes.filter { machine.knows($0.key) }
            try perform(machine.tick(at: MonotonicClock.now), observe)
        }
        if !isSuspended { try dispatchTasks(observe) }
    }

    /// Tells every worker that the run is over, and waits a while for their answers.
    private func sayFarewell(_ reason: String, _ poller: inout Poller, _ atSocket: Int) {
        let limit = MonotonicClock.now + CoordinatorLoop.farewell
        let silent: (SearchEvent) -> Void = { _ in }
        do throws(CoordinatorError) {
            try perform(machine.finish(reason: reason, at: MonotonicClock.now), silent)
            while !machine.isEveryoneGone, MonotonicClock.now < limit {
                try step(&poller, atSocket, silent)
            }
        } catch {
            logger.debug("while ending the run: \(error)")
        }
    }

    private func take(_ message: ReceivedMessage, _ observe: (SearchEvent) -> Void) throws(TransportError) {
        let envelope: ControlEnvelope
        switch door.judge(message, isKnown: machine.knows) {
        case .stay: return
        case .refuse(let worker, let route, let reason): return refuse(worker, route, reason)
        case .enter(let admitted, let route, let intruder):
            envelope = admitted
            routes[envelope.worker] = route
            if let intruder { refuse(intruder.worker, intruder.route, intruder.reason) }
        }
        do throws(CoordinatorError) {
            try perform(machine.receive(envelope, at: MonotonicClock.now), observe)
        } catch {
            failure = failure ?? error
        }
        if !machine.knows(envelope.worker) {
            routes[envelope.worker] = nil
            door.forget(envelope.worker)
        }
    }

    private func refuse(_ worker: UInt64, _ route: [UInt8], _ reason: String) {
        let refusal = ControlEnvelope(run: run, worker: worker, message: .refusal(reason: reason))
        if let answer = try? ControlCodec.encode(refusal) { _ = try? door.socket.send([route] + answer) }
    }

    func send(_ message: ControlMessage, to worker: UInt64) throws(CoordinatorError) {
        guard let route = routes[worker] else { return }
        let frames: [[UInt8]]
        do throws(ProtocolError) {
            frames = try ControlCodec.encode(ControlEnvelope(run: run, worker: worker, message: message))
        } catch {
            throw .transport("a message cannot be sent: \(error)")
        }
        do throws(TransportError) {
            // What is not taken is sent again: the machine repeats what has not been answered.
            if try door.socket.send([route] + frames) == .unroutable {
                machine.unreachable(worker, at: MonotonicClock.now)
            }
        } catch {
            throw CoordinatorError(error)
        }
    }
}

extension CoordinatorError {
    init(_ error: TransportError) {
        switch error {
        case .addressInUse(let endpoint): self = .addressInUse(endpoint: endpoint)
        case .addressNotAvailable, .cannotResolve, .malformedEndpoint, .insecure, .exposed:
            self = .endpoint(error.description)
        case .noEncryption, .system: self = .transport(error.description)
        }
    }

    init(_ failure: CoordinatorMachine.Failure, joinTimeout: Duration) {
        switch failure {
        case .tooFewWorkers(let ready, let expected):
            self = .tooFewWorkers(
                ready: ready, expected: expected, seconds: Double(joinTimeout.components.seconds))
        case .abandoned(let waited, let last): self = .abandoned(seconds: waited.inSeconds, last: last)
        case .hopeless(let work, let shards, let workers, let reason):
            self = .hopeless(work: work, shards: shards, workers: workers, reason: reason)
        case .nonFinite(let halfStep, _): self = .search(.nonFinite(halfStep: halfStep))
        case .undecided(let reason):
            self = .disagreement("\(reason); a third worker is needed: go on with --resume and more workers")
        }
    }
}

/// Who gave a result.
struct Giver {
    let key: UInt64
    let name: String
}

extension CoordinatorMachine.Base {
    init(_ state: TrainingState) {
        self.init(appliedHalfSteps: state.appliedHalfSteps, digest: state.digest)
    }
}
