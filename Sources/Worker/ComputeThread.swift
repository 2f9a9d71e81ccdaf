import Datasets
import Foundation
import Protocol
import Search
import Synchronization
import Transport

/// The thread that owns the replica and does all arithmetic of a worker but the all-reduce's additions.
final class ComputeThread: Sendable {
    private let commands = CommandQueue<ComputeCommand>()
    private let events: Mailbox<ComputeEvent>
    private let loadDataset: WorkerProcess.DatasetLoader
    private let standIn: Double?
    private let sabotage: Sabotage?
    let monitor = ComputeMonitor()

    /// - Parameter standIn: seconds to sleep in each half-step instead of computing.
    init(
        events: Mailbox<ComputeEvent>, loadDataset: @escaping WorkerProcess.DatasetLoader, standIn: Double?,
        sabotage: Sabotage?
    ) {
        self.events = events
        self.loadDataset = loadDataset
        self.standIn = standIn
        self.sabotage = sabotage
    }

    func start() {
        let thread = Thread { [self] in
            ComputeLoop(
                commands: commands, events: events, monitor: monitor, loadDataset: loadDataset, standIn: standIn,
                sabotage: sabotage
            ).run()
        }
        thread.name = "compute"
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// Any thread.
    func post(_ command: ComputeCommand) {
        switch command {
        case .join(let membership): monitor.generation.store(membership.generation, ordering: .relaxed)
        case .withdraw, .load, .stop: monitor.generation.store(0, ordering: .relaxed)
        case .lease, .apply, .exportState, .importState, .evaluate: break
        }
        commands.post(command)
    }

    /// It has something to do, and does not wait for other workers. Any thread.
    var isBusy: Bool { monitor.isComputing.load(ordering: .relaxed) || !commands.isEmpty }
}

/// What runs on the compute thread.
final class ComputeLoop {
    let commands: CommandQueue<ComputeCommand>
    let events: Mailbox<ComputeEvent>
    let monitor: ComputeMonitor
    let sabotage: Sabotage?
    private let loadDataset: WorkerProcess.DatasetLoader
    private let standIn: Double?
    private var dataset: ImageDataset?
    var replica: Replica?
    var buffer = GradientBuffer(capacity: 0)
    private var membership: Membership?
    private var lease = (generation: 0, halfSteps: 0)
    private var hasFailed = false
    private var isStopped = false

    init(
        commands: CommandQueue<ComputeCommand>, events: Mailbox<ComputeEvent>, monitor: ComputeMonitor,
        loadDataset: @escaping WorkerProcess.DatasetLoader, standIn: Double?, sabotage: Sabotage?
    ) {
        self.commands = commands
        self.events = events
        self.monitor = monitor
        self.loadDataset = loadDataset
        self.standIn = standIn
        self.sabotage = sabotage
    }

    func run() {
        monitor.isComputing.store(true, ordering: .relaxed)
        while !isStopped {
            while let command = commands.poll() { handle(command) }
            if isStopped { return }
            if let replica, let membership, !hasFailed, lease.generation == membership.generation,
                replica.appliedHalfSteps < min(lease.halfSteps, membership.halfSteps)
            {
                computeHalfStep(replica, membership)
            } else {
                handle(wait())
            }
        }
    }

    private func wait() -> ComputeCommand {
        commands.wait { isSleeping in monitor.isComputing.store(!isSleeping, ordering: .relaxed) }
    }

    /// Waits for the sum of the half-step under way; nil when it is given up.
    func waitForSum(_ generation: Int) -> [LossEntry]? {
        while !isStopped, membership?.generation == generation {
            let command = wait()
            if case .apply(generation, let losses) = command { return losses }
            handle(command)
        }
        return nil
    }

    /// Whether the half-step under way is not wanted any more.
    func isGivenUp(_ generation: Int) -> Bool {
        monitor.generation.load(ordering: .relaxed) != generation
    }

    func fail(_ error: WorkerError) {
        hasFailed = true
        events.post(.failed(error))
    }

    private func handle(_ command: ComputeCommand) {
        switch command {
        case .stop: isStopped = true
        case .load(let configuration): load(configuration)
        case .lease(let generation, let halfSteps): lease = (generation, halfSteps)
        case .join(let membership):
            self.membership = membership
            lease = (0, 0)
            if let replica { tellState(replica, generation: membership.generation) }
        case .withdraw(let resetState):
            membership = nil
            lease = (0, 0)
            if resetState, let replica, let initial = try? TrainingState.initial(replica.plan.configuration) {
                replica.state = initial
            }
            events.post(.withdrawn)
        case .apply: break
        case .exportState:
            if let replica {
                events.post(.exported(replica.state.encoded(), appliedHalfSteps: replica.appliedHalfSteps))
            }
        case .importState(let bytes, let generation): importState(bytes, generation: generation)
        case .evaluate(let task): evaluate(task)
        }
    }

    private func load(_ bytes: [UInt8]) {
        membership = nil
        lease = (0, 0)
        // Two of them may be more than the memory holds.
        replica = nil
        let configuration: SearchConfiguration
        do {
            configuration = try JSONDecoder().decode(SearchConfiguration.self, from: Foundation.Data(bytes))
        } catch {
            return fail(.computation("the coordinator's configuration cannot be read: \(error)"))
        }
        let dataset: ImageDataset
        do {
            // A run that goes on needs the same images as before.
            if let loaded = self.dataset, loaded.digest == configuration.datasetDigest {
                dataset = loaded
            } else {
                dataset = try loadDataset(configuration)
            }
        } catch {
            return fail(.data("\(error)"))
        }
        let ready = Ready(datasetDigest: dataset.digest, imageCount: dataset.count)
        guard dataset.digest == configuration.datasetDigest else {
            // The coordinator refuses with both digests.
            events.post(.loaded(ready, buffer, largestGradient: 0))
            return
        }
        self.dataset = dataset
        do throws(SearchError) {
            let replica = try Replica(configuration: configuration, dataset: dataset, standIn: standIn)
            replica.tamperWithImages = sabotage?.images
            let largest = replica.largestGradient
            buffer = GradientBuffer(capacity: largest)
            self.replica = replica
            events.post(.loaded(ready, buffer, largestGradient: largest))
        } catch {
            fail(.computation(error.description))
        }
    }

    func tellState(_ replica: Replica, generation: Int) {
        let betas = replica.betas()
        let report = StateReport(
            appliedHalfSteps: replica.appliedHalfSteps, digest: replica.stateDigest(), edges: betas.count,
            betas: betas.flatMap { $0 })
        events.post(.stands(report, generation: generation))
    }

    private func importState(_ bytes: [UInt8], generation: Int) {
        guard let replica else { return }
        do throws(SearchError) {
            replica.state = try TrainingState(
                decoding: bytes, weights: replica.state.weights.count, alphas: replica.state.alphas.count)
            tellState(replica, generation: generation)
        } catch {
            fail(.computation("the training state that was sent does not fit: \(error.description)"))
        }
    }

    private func evaluate(_ assignment: TaskAssignment) {
        guard let replica else { return }
        let task = StrengthTask(
            replacement: assignment.replacement.map { .init(edge: $0.edge, operation: $0.operation) },
            decided: assignment.decided, shards: assignment.shards, criterion: assignment.criterion)
        do throws(SearchError) {
            try replica.validate(task)
        } catch {
            return fail(.computation(error.description))
        }
        let found = replica.answer(task)
        var losses = found.losses.map(LossEntry.init)
        sabotage?.evaluated?(assignment, &losses)
        monitor.work.wrappingAdd(1, ordering: .relaxed)
        events.post(
            .evaluated(TaskResult(id: assignment.id, losses: losses, derivatives: found.derivatives ?? [])))
    }
}
