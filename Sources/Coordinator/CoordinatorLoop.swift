import Foundation
import Kernels
import Logging
import Protocol
import Search
import Transport

/// The coordinator's one thread: it owns the socket to all workers and drives the state machine and the selection.
final class CoordinatorLoop {
    /// Looks after worker processes that this process started: throws when one has ended by itself.
    typealias Watch = () throws(CoordinatorError) -> Void

    private static let watchInterval = Duration.milliseconds(100)
    /// For workers to answer the end of the run.
    private static let farewell = Duration.seconds(2)

    let options: CoordinatorOptions
    private let watch: Watch?
    let logger = Logger(label: "ostr.coordinator")
    let run = UInt64.random(in: 1 ... .max)
    let plan: TrainingPlan
    let door: ControlDoor
    private let signals: StopSignals?
    var machine: CoordinatorMachine
    /// Routing ids by worker key.
    private var routes: [UInt64: [UInt8]] = [:]

    var epoch: EpochLosses
    var losses: [LossSum] = []
    var source: StateSource?
    var state: TrainingState?
    var selection: Selection?
    /// Tasks that workers have or had, as the selection knows them.
    var dispatched: [Int: StrengthTask] = [:]
    var failure: CoordinatorError?

    init(options: CoordinatorOptions, watch: Watch?) throws(CoordinatorError) {
        self.options = options
        self.watch = watch
        let configuration = options.configuration
        do throws(SearchError) {
            try configuration.validate(imageCount: options.imageCount)
        } catch {
            throw .search(error)
        }
        plan = TrainingPlan(configuration: configuration, imageCount: options.imageCount)
        epoch = EpochLosses(plan: plan)
        state = options.initialState
        source = options.initialState.map { StateSource($0.encoded()) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let json = try? encoder.encode(configuration) else {
            throw .search(.configuration("the configuration has a value that is not finite"))
        }
        do throws(TransportError) {
            signals = options.handlesSignals ? try StopSignals() : nil
            door = try ControlDoor(options, run: run, logger: logger)
        } catch {
            throw CoordinatorError(error)
        }
        let shards = configuration.shards
        machine = CoordinatorMachine(
            plan: .init(
                run: run, configuration: [UInt8](json), datasetDigest: configuration.datasetDigest, shards: shards,
                halfSteps: options.initialState == nil ? plan.halfSteps : 0,
                expectedWorkers: max(options.expectedWorkers, 1), hasState: options.initialState != nil,
                runs: { workers in SummationTree.runs(shards: shards, workers: workers) },
                joinTimeout: options.joinTimeout, workerTimeout: options.workerTimeout,
                progressTimeout: options.progressTimeout),
            at: MonotonicClock.now)
    }

    func run(observe: (SearchEvent) -> Void) throws(CoordinatorError) -> SearchOutcome {
        var poller = Poller()
        let atSocket = poller.add(door.socket)
        door.add(to: &poller)
        let atSignals = signals.map { poller.add(descriptor: $0.descriptor) }
        var outcome: SearchOutcome?
        do throws(CoordinatorError) {
            while outcome == nil, failure == nil {
                try step(&poller, atSocket, observe)
                if let atSignals, poller.isReady(atSignals), let signal = signals?.received {
                    failure = .interrupted(signal: signal)
                }
                try watch?()
                outcome = finishedOutcome()
            }
        } catch {
            failure = failure ?? error
        }
        let reason = failure.map { "\($0)" } ?? ""
        sayFarewell(reason, &poller, atSocket)
        if let failure { throw failure }
        guard let outcome else { throw .transport("the run ended without an outcome") }
        return outcome
    }

    private func step(
        _ poller: inout Poller, _ atSocket: Int, _ observe: (SearchEvent) -> Void
    ) throws(CoordinatorError) {
        let wait = machine.deadline - MonotonicClock.now
        let revoked: [(worker: UInt64, reason: String)]
        do throws(TransportError) {
            try poller.wait(max(min(wait, CoordinatorLoop.watchInterval), .zero))
            if poller.isReady(atSocket) {
                while let message = try door.socket.receive() { try take(message, observe) }
            }
            revoked = try door.afterWait(poller)
        } catch {
            throw CoordinatorError(error)
        }
        for (worker, reason) in revoked {
            try send(.refusal(reason: reason), to: worker)
            try perform(machine.lost(worker, reason: reason), observe)
        }
        try perform(machine.tick(at: MonotonicClock.now), observe)
        try dispatchTasks(observe)
    }

    /// Tells every worker that the run is over, and waits a while for their answers.
    private func sayFarewell(_ reason: String, _ poller: inout Poller, _ atSocket: Int) {
        let limit = MonotonicClock.now + CoordinatorLoop.farewell
        let silent: (SearchEvent) -> Void = { _ in }
        do throws(CoordinatorError) {
            try perform(machine.finish(reason: reason, at: MonotonicClock.now), silent)
            while !machine.isEveryoneGone, MonotonicClock.now < limit {
                if let watch { do throws(CoordinatorError) { try watch() } catch {} }
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
            _ = try door.socket.send([route] + frames)
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
        case .lost(let name, let host, let reason): self = .workerLost(name: name, host: host, reason: reason)
        case .failed(let name, let host, let reason): self = .workerFailed(name: name, host: host, reason: reason)
        case .disagreement(let text): self = .disagreement(text)
        }
    }
}
