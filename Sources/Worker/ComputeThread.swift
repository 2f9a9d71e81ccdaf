import Datasets
import Foundation
import Protocol
import Search
import Transport

/// The thread that owns the replica and does all arithmetic of a worker but the all-reduce's additions.
final class ComputeThread: Sendable {
    private let commands = CommandQueue<ComputeCommand>()
    private let events: Mailbox<ComputeEvent>
    private let loadDataset: WorkerProcess.DatasetLoader
    private let standIn: Double?

    /// - Parameter standIn: seconds to sleep in each half-step instead of computing.
    init(events: Mailbox<ComputeEvent>, loadDataset: @escaping WorkerProcess.DatasetLoader, standIn: Double?) {
        self.events = events
        self.loadDataset = loadDataset
        self.standIn = standIn
    }

    func start() {
        let thread = Thread { [self] in
            ComputeLoop(commands: commands, events: events, loadDataset: loadDataset, standIn: standIn).run()
        }
        thread.name = "compute"
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// Any thread.
    func post(_ command: ComputeCommand) { commands.post(command) }
}

/// What runs on the compute thread.
final class ComputeLoop {
    let commands: CommandQueue<ComputeCommand>
    let events: Mailbox<ComputeEvent>
    private let loadDataset: WorkerProcess.DatasetLoader
    private let standIn: Double?
    var replica: Replica?
    var buffer = GradientBuffer(capacity: 0)
    var membership: Membership?
    private var lease = 0
    private var hasFailed = false
    private var isStopped = false

    init(
        commands: CommandQueue<ComputeCommand>, events: Mailbox<ComputeEvent>,
        loadDataset: @escaping WorkerProcess.DatasetLoader, standIn: Double?
    ) {
        self.commands = commands
        self.events = events
        self.loadDataset = loadDataset
        self.standIn = standIn
    }

    func run() {
        while !isStopped {
            if let replica, let membership, !hasFailed, replica.appliedHalfSteps < min(lease, membership.halfSteps) {
                while let command = commands.poll() { handle(command) }
                if isStopped { return }
                computeHalfStep(replica, membership)
            } else {
                handle(commands.wait())
            }
        }
    }

    /// Waits for the sum of the half-step under way; nil when told to stop.
    func waitForSum() -> [LossEntry]? {
        while !isStopped {
            let command = commands.wait()
            if case .apply(let losses) = command { return losses }
            handle(command)
        }
        return nil
    }

    func fail(_ error: WorkerError) {
        hasFailed = true
        events.post(.failed(error))
    }

    private func handle(_ command: ComputeCommand) {
        switch command {
        case .stop: isStopped = true
        case .load(let configuration): load(configuration)
        case .lease(let halfSteps): lease = max(lease, halfSteps)
        case .join(let membership):
            self.membership = membership
            if let replica, membership.halfSteps == replica.appliedHalfSteps { report(replica) }
        case .apply: break
        case .exportState:
            if let replica { events.post(.exported(replica.state.encoded())) }
        case .importState(let bytes): importState(bytes)
        case .evaluate(let task): evaluate(task)
        }
    }

    private func load(_ bytes: [UInt8]) {
        let configuration: SearchConfiguration
        do {
            configuration = try JSONDecoder().decode(SearchConfiguration.self, from: Foundation.Data(bytes))
        } catch {
            return fail(.computation("the coordinator's configuration cannot be read: \(error)"))
        }
        let dataset: ImageDataset
        do {
            dataset = try loadDataset(configuration)
        } catch {
            return fail(.data("\(error)"))
        }
        let ready = Ready(datasetDigest: dataset.digest, imageCount: dataset.count)
        guard dataset.digest == configuration.datasetDigest else {
            // The coordinator refuses with both digests.
            events.post(.loaded(ready, buffer, largestGradient: 0))
            return
        }
        do throws(SearchError) {
            let replica = try Replica(configuration: configuration, dataset: dataset, standIn: standIn)
            let largest = max(replica.gradientCount(.weights), replica.gradientCount(.alphas))
            buffer = GradientBuffer(capacity: largest)
            self.replica = replica
            events.post(.loaded(ready, buffer, largestGradient: largest))
        } catch {
            fail(.computation(error.description))
        }
    }

    func report(_ replica: Replica) {
        let betas = replica.betas()
        events.post(
            .reported(
                StateReport(
                    appliedHalfSteps: replica.appliedHalfSteps, digest: replica.stateDigest(), edges: betas.count,
                    betas: betas.flatMap { $0 })))
    }

    private func importState(_ bytes: [UInt8]) {
        guard let replica else { return }
        do throws(SearchError) {
            replica.state = try TrainingState(decoding: bytes, shape: replica.plan.configuration.supernet)
            report(replica)
        } catch {
            fail(.computation("the coordinator's training state does not fit: \(error.description)"))
        }
    }

    private func evaluate(_ assignment: TaskAssignment) {
        guard let replica else { return }
        let task = StrengthTask(
            replacement: assignment.replacement.map { .init(edge: $0.edge, operation: $0.operation) },
            decided: assignment.decided, shards: assignment.shards)
        do throws(SearchError) {
            let betas = replica.betas()
            try task.validate(
                edges: betas.count, operations: betas.first?.count ?? 0, shards: replica.plan.selectionShards)
        } catch {
            return fail(.computation(error.description))
        }
        events.post(.evaluated(id: assignment.id, losses: replica.evaluate(task).map(LossEntry.init)))
    }
}
