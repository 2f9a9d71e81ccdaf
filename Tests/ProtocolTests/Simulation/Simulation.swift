import TestSupport

@testable import Protocol

/// A coordinator, workers, a network and faults in simulated time, all drawn from one seed.
struct Simulation {
    /// What went wrong; the seed repeats it.
    struct Violation: Error, CustomStringConvertible {
        let seed: UInt64
        let time: Duration
        let text: String
        var description: String { "seed \(seed) at \(time): \(text)" }
    }

    enum Event {
        case toCoordinator(incarnation: Int, ControlEnvelope)
        case toWorker(index: Int, incarnation: Int, ControlEnvelope)
        case toPeer(index: Int, incarnation: Int, MeshEnvelope)
        case tickCoordinator(incarnation: Int)
        case tickWorker(index: Int, incarnation: Int)
        case computed(index: Int, incarnation: Int)
        case told(index: Int, incarnation: Int, SimulatedWorker.Event)
        case fault
        case start(name: Int)
        case restartCoordinator
    }

    enum Ending: Equatable { case complete, hopeless, diverged, undecided }

    static let faultsEnd = Duration.seconds(12)
    static let timeLimit = Duration.seconds(900)

    let seed: UInt64
    var random: SplitMix64
    let numbers: SimulatedNumbers
    let taskCount: Int
    let lossPercent: Int
    let longestDelay: Int
    let isOrdered: Bool
    let names: Int
    let snapshotInterval: Int
    /// Of each half-step, or of none, a shard is computed by several.
    let auditRate: Double
    /// A replica goes astray, and nothing else happens: with others lost, or told to stand by, at that moment nobody could
    /// tell.
    let drifts: Bool

    var queue = EventQueue<Event>()
    var now = Duration.zero
    var coordinator: CoordinatorMachine?
    var coordinatorNumber = 0
    var coordinatorPause = Duration.zero
    /// One a process that was ever started; the index is its incarnation.
    var workers: [SimulatedWorker] = []
    var pauses: [Duration] = []
    /// By name: the index of the process that lives, if one does.
    var living: [Int?]
    /// Pairs of names, and names alone (with the coordinator), that hear nothing of each other until a time.
    var cuts: [[Int]: Duration] = [:]
    var lastArrival: [[Int]: Duration] = [:]
    var faults: Int

    // What the coordinator process keeps, and what of it survives the process.
    var knownLosses: [LossEntry] = []
    var base = SimulatedState()
    var savedLosses: [LossEntry] = []
    /// States that can be gone back to.
    var bases = StateHistory(SimulatedState()) { $0.applied }
    var isSelecting = false
    var open: [Int] = []
    var taskOfID: [Int: Int] = [:]
    /// By number: the worker that is not to get the task.
    var excludedFrom: [Int: String] = [:]
    var results: [Int: [LossEntry]] = [:]
    var newestBegun = 0
    var isFinishing = false
    var failure: CoordinatorMachine.Failure?
    var isOver = false
    /// Found where nothing can be thrown.
    var problem: Violation?
    /// How often each kind of thing happened, to prove that the schedules reach it.
    var tally: [String: Int] = [:]

    init(seed: UInt64) {
        self.seed = seed
        var random = SplitMix64(seed: seed)
        let shards = [1, 2, 4, 8].randomElement(using: &random) ?? 4
        let halfSteps = Int.random(in: 1...7, using: &random)
        numbers = SimulatedNumbers(
            shards: shards, elements: (0..<halfSteps).map { _ in Int.random(in: 1...11, using: &random) },
            padding: random.chance(3) ? 3 * WireLimits.stateChunk : 0)
        taskCount = Int.random(in: 1...12, using: &random)
        lossPercent = [0, 0, 2, 10].randomElement(using: &random) ?? 0
        longestDelay = [2, 20, 200].randomElement(using: &random) ?? 20
        isOrdered = random.chance(60)
        names = Int.random(in: 1...5, using: &random)
        snapshotInterval = random.chance(60) ? Int.random(in: 1...3, using: &random) : 0
        auditRate = random.chance(25) ? 1 : 0
        drifts = names > 1 && shards > 1 && random.chance(15)
        faults = drifts ? 1 : Int.random(in: 0...6, using: &random)
        living = Array(repeating: nil, count: names)
        self.random = random
    }

    mutating func count(_ what: String) { tally[what, default: 0] += 1 }

    func violation(_ text: String) -> Violation { Violation(seed: seed, time: now, text: text) }

    /// Runs to the end of the run.
    mutating func run() throws -> Ending {
        startCoordinator()
        for name in 0..<names {
            queue.post(.start(name: name), at: .milliseconds(Int.random(in: 0...300, using: &random)))
        }
        for _ in 0..<faults {
            let time = Int.random(in: 0...Int(Simulation.faultsEnd.components.seconds) * 1000, using: &random)
            // Most things happen in the first second.
            queue.post(.fault, at: .milliseconds(random.chance(70) ? time / 8 : time))
        }
        while let (time, event) = queue.next() {
            now = max(now, time)
            if now > Simulation.timeLimit { throw violation("the run does not end\n\(picture)") }
            try handle(event)
            if isOver { break }
        }
        if case .hopeless = failure {
            guard
                ["crash", "pause", "stuck", "cut", "coordinator pause"].reduce(0, { $0 + tally[$1, default: 0] }) >= 3
            else {
                throw violation("given up without three lost workers: \(String(describing: failure)), \(tally)")
            }
            return .hopeless
        }
        if case .nonFinite = failure, tally["objection", default: 0] > 1 { return .diverged }
        if case .undecided = failure, tally["wrong gradient", default: 0] > 2 { return .undecided }
        if let failure { throw violation("the run failed: \(failure)") }
        guard isOver else { throw violation("nothing happens any more\n\(picture)") }
        guard knownLosses == numbers.losses else { throw violation("losses are missing") }
        guard results.count == taskCount else { throw violation("tasks are missing") }
        return .complete
    }

    var picture: String {
        var lines: [String] = []
        if let coordinator {
            lines.append(
                "coordinator: \(coordinator.phase), generation \(coordinator.generation) \(coordinator.hasBegun), known "
                    + "\(coordinator.knownLosses), lease \(coordinator.lease), members \(coordinator.members.map(\.name))"
            )
        }
        for worker in workers where worker.isAlive {
            lines.append(
                "\(worker.name): applied \(worker.state.applied), generation \(worker.machine.generation), stuck "
                    + "\(worker.isStuck), work \(worker.work), end \(String(describing: worker.machine.end))")
        }
        return lines.joined(separator: "\n")
    }

    private mutating func handle(_ event: Event) throws {
        switch event {
        case .toCoordinator(let incarnation, let envelope):
            guard incarnation == coordinatorNumber, coordinator != nil else { return }
            if now < coordinatorPause { return queue.post(event, at: coordinatorPause) }
            try perform(coordinator?.receive(envelope, at: now) ?? [])
            try dispatch()
        case .tickCoordinator(let incarnation):
            guard incarnation == coordinatorNumber, coordinator != nil else { return }
            if now < coordinatorPause { return queue.post(event, at: coordinatorPause) }
            try perform(coordinator?.tick(at: now) ?? [])
            try dispatch()
            try endIfDone()
            if let deadline = coordinator?.deadline {
                queue.post(event, at: max(deadline, now + .milliseconds(1)))
            }
        case .toWorker(let index, let incarnation, let envelope):
            guard workers[index].isAlive, index == incarnation else { return }
            if now < pauses[index] { return queue.post(event, at: pauses[index]) }
            guard envelope.worker == workers[index].key else { return }
            try perform(workers[index].machine.receive(envelope, at: now), of: index)
        case .toPeer(let index, _, let envelope):
            guard workers[index].isAlive else { return }
            if now < pauses[index] { return queue.post(event, at: pauses[index]) }
            try take(envelope, of: index)
        case .tickWorker(let index, let incarnation):
            guard workers[index].isAlive, index == incarnation else { return }
            if now < pauses[index] { return queue.post(event, at: pauses[index]) }
            try tick(index)
            if workers[index].isAlive {
                queue.post(event, at: max(workers[index].machine.deadline, now + .milliseconds(20)))
            }
        case .computed(let index, _):
            guard workers[index].isAlive, !workers[index].isStuck else { return }
            if now < pauses[index] { return queue.post(event, at: pauses[index]) }
            try finishWork(index)
        case .told(let index, _, let told):
            guard workers[index].isAlive else { return }
            if now < pauses[index] { return queue.post(event, at: pauses[index]) }
            try take(told, of: index)
        case .fault: disturb()
        case .start(let name): startWorker(name)
        case .restartCoordinator: startCoordinator()
        }
    }

    // MARK: - Processes

    mutating func startCoordinator() {
        coordinatorNumber += 1
        knownLosses = savedLosses
        bases = StateHistory(base) { $0.applied }
        isSelecting = false
        taskOfID = [:]
        excludedFrom = [:]
        newestBegun = 0
        open = (0..<taskCount).filter { results[$0] == nil }
        let shards = numbers.shards
        var plan = CoordinatorMachine.Plan(
            run: UInt64(coordinatorNumber), configuration: [1], datasetDigest: "d", shards: shards,
            halfSteps: numbers.halfSteps,
            expectedWorkers: coordinatorNumber > 1 ? 1 : drifts ? names : Int.random(in: 1...names, using: &random),
            base: .init(appliedHalfSteps: base.applied, digest: base.digest(numbers)),
            runs: { SimulatedNumbers.runs(shards: shards, workers: $0) },
            describe: { [numbers] bytes in
                let state = SimulatedState(decoding: bytes)
                return .init(appliedHalfSteps: state.applied, digest: state.digest(numbers))
            }, joinTimeout: .seconds(300),
            progressTimeout: .seconds(20))
        plan.knownLosses = savedLosses.count
        plan.snapshotInterval = snapshotInterval
        plan.workerTimeout = .seconds(300)
        plan.auditRate = auditRate
        plan.slowStandBy = seed.isMultiple(of: 2) && !drifts
        coordinator = CoordinatorMachine(plan: plan, at: now)
        queue.post(.tickCoordinator(incarnation: coordinatorNumber), at: now)
    }

    mutating func startWorker(_ name: Int) {
        guard living[name] == nil, !isFinishing else { return }
        let index = workers.count
        workers.append(
            SimulatedWorker(
                number: name, key: random.next(), pace: random.chance(15) ? 10 : 1, at: now))
        pauses.append(.zero)
        living[name] = index
        queue.post(.tickWorker(index: index, incarnation: index), at: now)
    }

    mutating func stopWorker(_ index: Int) {
        workers[index].isAlive = false
        living[workers[index].number] = nil
    }

    /// Something bad happens.
    private mutating func disturb() {
        let alive = living.compactMap { $0 }
        switch drifts ? 7 : Int.random(in: 0..<10, using: &random) {
        case 0, 1, 2:
            guard let victim = alive.randomElement(using: &random) else { return }
            count("crash")
            stopWorker(victim)
            let back = Int.random(in: 100...6000, using: &random)
            queue.post(.start(name: workers[victim].number), at: now + .milliseconds(back))
        case 3:
            guard let victim = alive.randomElement(using: &random) else { return }
            count("pause")
            pauses[victim] = now + .milliseconds(Int.random(in: 100...12_000, using: &random))
        case 4:
            guard let victim = alive.randomElement(using: &random), workers[victim].isLoaded else { return }
            // The thread is stuck for good; a supervisor kills the process some time later.
            count("stuck")
            workers[victim].isStuck = true
        case 5:
            count("coordinator crash")
            guard coordinator != nil, !isFinishing else { return }
            coordinator = nil
            queue.post(.restartCoordinator, at: now + .milliseconds(Int.random(in: 50...4000, using: &random)))
        case 6:
            count("coordinator pause")
            coordinatorPause = now + .milliseconds(Int.random(in: 100...8000, using: &random))
        case 7:
            guard drifts, let victim = alive.randomElement(using: &random) else { return }
            workers[victim].willDrift = true
        case 8:
            guard let victim = alive.randomElement(using: &random) else { return }
            count("not finite")
            if auditRate > 0 {
                workers[victim].wrongGradients = random.chance(70) ? 1 : 100
            } else {
                workers[victim].isPoisoned = true
            }
        default:
            count("cut")
            let first = Int.random(in: 0..<names, using: &random)
            let second = Int.random(in: 0..<names, using: &random)
            cuts[[min(first, second), max(first, second)]] =
                now + .milliseconds(Int.random(in: 200...9000, using: &random))
        }
    }

    // MARK: - The network

    /// When a message from one name to another arrives (-1: the coordinator); nil when it is lost.
    mutating func arrival(from: Int, to: Int) -> Duration? {
        // A name's pair with itself stands for its link with the coordinator.
        let link = from < 0 ? [to, to] : to < 0 ? [from, from] : [min(from, to), max(from, to)]
        if let until = cuts[link], now < until { return nil }
        if random.chance(lossPercent), now < Simulation.faultsEnd { return nil }
        var time = now + .microseconds(Int.random(in: 50...(longestDelay * 1000), using: &random))
        if isOrdered {
            time = max(time, (lastArrival[[from, to]] ?? .zero) + .microseconds(1))
            lastArrival[[from, to]] = time
        }
        return time
    }

    mutating func send(_ message: ControlMessage, toKey key: UInt64) {
        guard let run = coordinator?.plan.run else { return }
        guard let index = workers.lastIndex(where: { $0.key == key && $0.isAlive }) else {
            coordinator?.unreachable(key, at: now)
            return
        }
        guard let time = arrival(from: -1, to: workers[index].number) else { return }
        let envelope = ControlEnvelope(run: run, worker: key, message: message)
        queue.post(.toWorker(index: index, incarnation: index, envelope), at: time)
    }

    mutating func sendToCoordinator(_ message: ControlMessage, of index: Int) {
        let worker = workers[index]
        guard coordinator != nil, let time = arrival(from: worker.number, to: -1) else { return }
        let envelope = ControlEnvelope(run: worker.machine.run, worker: worker.key, message: message)
        queue.post(.toCoordinator(incarnation: coordinatorNumber, envelope), at: time)
        if lossPercent > 0, random.chance(3) {
            queue.post(.toCoordinator(incarnation: coordinatorNumber, envelope), at: time + .milliseconds(700))
        }
    }

    mutating func sendToPeer(rank: Int, halfStep: Int, _ message: MeshMessage, of index: Int) {
        guard let membership = workers[index].membership else { return }
        let peer = membership.members[rank]
        guard
            let target = workers.lastIndex(where: { $0.machine.hello.meshEndpoint == peer.meshEndpoint && $0.isAlive }),
            let time = arrival(from: workers[index].number, to: workers[target].number)
        else { return }
        let envelope = MeshEnvelope(
            run: workers[index].machine.run, generation: membership.generation, sender: membership.rank,
            halfStep: halfStep, message: message)
        queue.post(.toPeer(index: target, incarnation: target, envelope), at: time)
        if lossPercent > 0, random.chance(5) {
            queue.post(.toPeer(index: target, incarnation: target, envelope), at: time + .milliseconds(900))
        }
    }
}
