@testable import Protocol

/// A worker process of the simulation: its state machines, and a compute thread whose work takes simulated time.
/// It does what `WorkerLoop`, `Mesh` and `ComputeLoop` do.
struct SimulatedWorker {
    enum Command {
        case load, stop
        case join(Membership)
        case lease(generation: Int, halfSteps: Int)
        case apply(generation: Int, losses: [LossEntry])
        case exportState
        case importState([UInt8], generation: Int)
        case evaluate(TaskAssignment)
        case withdraw(resetState: Bool)
    }

    enum Event {
        case loaded
        case began(generation: Int, halfStep: Int, digest: UInt64)
        case partial(generation: Int, halfStep: Int, chunk: Int, subtree: Range<Int>, bytes: [UInt8])
        case computed(generation: Int, losses: [LossEntry], audit: UInt64?)
        case applied(generation: Int, halfSteps: Int, loss: LossEntry)
        case stands(StateReport, generation: Int)
        case snapshot([UInt8], applied: Int, digest: UInt64)
        case exported([UInt8], applied: Int)
        case evaluated(TaskAssignment)
        case withdrawn
        case notFinite(generation: Int, halfStep: Int, shard: Int)
    }

    /// What the compute thread is in the middle of.
    enum Work {
        case idle
        /// Computes the shards of its run.
        case shards
        /// Until the sum of this generation's half-step has come.
        case waiting(generation: Int)
        case command(Command)
    }

    let name: String
    let number: Int
    /// How slow it computes.
    let pace: Int
    var key: UInt64
    var machine: WorkerMachine
    var mesh: AllReduceMachine?
    var membership: Membership?
    var buffer: [Float] = []
    var isAlive = true
    var isStuck = false
    /// Its state goes astray before the next half-step.
    var willDrift = false
    /// The next gradient it computes is not finite.
    var isPoisoned = false
    /// So many audited shards' gradients that it computes next are wrong.
    var wrongGradients = 0

    // The compute thread's own.
    var commands: [Command] = []
    var work = Work.idle
    var workStarted = Duration.zero
    var trained = ShardTally()
    var state = SimulatedState()
    var joined: Membership?
    var lease = (generation: 0, halfSteps: 0)
    var sum: [Float] = []
    var isLoaded = false

    /// The newest generation that it has answered, under this key.
    var answered = 0

    init(number: Int, key: UInt64, pace: Int, at now: Duration) {
        self.number = number
        self.key = key
        self.pace = pace
        name = "worker-\(number)"
        machine = WorkerMachine(
            hello: Hello(
                build: Build.version, name: name, host: "h", pid: number, numericDigest: 1, meshEndpoint: "m\(number)"),
            timeouts: .init(connect: nil, silence: nil), at: now)
    }

    var nextHalfStep: (membership: Membership, halfStep: Int)? {
        guard let joined, lease.generation == joined.generation, state.applied < min(lease.halfSteps, joined.halfSteps)
        else { return nil }
        return (joined, state.applied)
    }

    var isBusy: Bool {
        switch work {
        case .idle, .waiting: !commands.isEmpty
        case .shards, .command: true
        }
    }
}
