import Foundation
import Kernels
import Protocol
import Search
import Transport

/// What runs on the compute thread where the protocol alone is measured: it sleeps where a replica would compute, and
/// says all that a replica would say, with gradients of the true size.
final class StandInLoop {
    private let commands: CommandQueue<ComputeCommand>
    private let events: Mailbox<ComputeEvent>
    private let seconds: Double
    private var loaded: Loaded?
    private var membership: Membership?
    private var lease = 0
    private var applied = 0
    private var isStopped = false

    /// What a configuration fixes.
    private struct Loaded {
        let plan: TrainingPlan
        let size: SupernetSize

        func count(_ kind: HalfStep.Kind) -> Int { kind == .weights ? size.weights : size.edges * size.operations }
    }

    /// - Parameter seconds: to sleep in each half-step, and for each batch of an evaluation.
    init(commands: CommandQueue<ComputeCommand>, events: Mailbox<ComputeEvent>, seconds: Double) {
        self.commands = commands
        self.events = events
        self.seconds = seconds
    }

    func run() {
        while !isStopped {
            if let loaded, let membership, applied < min(lease, membership.halfSteps) {
                while let command = commands.poll() { handle(command) }
                if isStopped { return }
                halfStep(loaded, membership)
            } else {
                handle(commands.wait())
            }
        }
    }

    private func handle(_ command: ComputeCommand) {
        switch command {
        case .stop: isStopped = true
        case .load(let configuration): load(configuration)
        case .lease(let halfSteps): lease = max(lease, halfSteps)
        case .join(let membership):
            self.membership = membership
            if membership.halfSteps == applied { report() }
        case .apply: break
        case .exportState:
            guard var state = loaded?.size.zeroState else { return }
            state.appliedHalfSteps = applied
            events.post(.exported(state.encoded()))
        case .importState: report()
        case .evaluate(let task):
            guard let loaded else { return }
            let shards = Double(task.shards.count) / Double(loaded.plan.configuration.shards)
            sleep(until: MonotonicClock.now + .seconds(seconds * shards))
            events.post(.evaluated(id: task.id, losses: losses(task.shards.count, loaded)))
        }
    }

    private func load(_ bytes: [UInt8]) {
        do {
            let configuration = try JSONDecoder().decode(SearchConfiguration.self, from: Foundation.Data(bytes))
            // As many images as a training of any length needs.
            let images = configuration.images ?? 2 * configuration.batch
            let loaded = Loaded(
                plan: TrainingPlan(configuration: configuration, imageCount: images),
                size: try SupernetSize(configuration.supernet))
            self.loaded = loaded
            let largest = max(loaded.count(.weights), loaded.count(.alphas))
            events.post(
                .loaded(
                    Ready(datasetDigest: configuration.datasetDigest, imageCount: images),
                    GradientBuffer(capacity: largest), largestGradient: largest))
        } catch {
            events.post(.failed(.computation("\(error)")))
        }
    }

    /// Sleeps; chunks of the gradient become final in the backward pass of each subtree's last shard, from the last to
    /// the first, as a replica's do.
    private func halfStep(_ loaded: Loaded, _ membership: Membership) {
        let halfStep = loaded.plan.halfStep(applied)
        let own = membership.members[membership.rank].run
        let subtrees = SummationTree.subtrees(of: own, shards: membership.shards)
        let count = loaded.count(halfStep.kind)
        let chunks = GradientChunks.count(of: count)
        let isAlone = membership.members.count == 1
        if !isAlone {
            events.post(.began(halfStep: applied, elements: count, stateDigest: UInt64(applied)))
        }
        var next = MonotonicClock.now
        let perShard = seconds / Double(max(own.count, 1))
        for subtree in subtrees {
            // Two thirds of a shard's time are its backward pass.
            next += .seconds(perShard * (Double(subtree.count) - 2.0 / 3))
            for chunk in (0..<chunks).reversed() {
                next += .seconds(perShard * 2 / 3 / Double(chunks))
                sleep(until: next)
                if isAlone { continue }
                let bytes = [UInt8](repeating: 0, count: 4 * GradientChunks.range(chunk, of: count).count)
                events.post(.partial(chunk: chunk, subtree: subtree, bytes: bytes))
            }
        }
        if !isAlone {
            events.post(.computed(losses: losses(own.count, loaded)))
            guard waitForSum() else { return }
        }
        applied += 1
        events.post(.applied(halfSteps: applied, loss: losses(1, loaded)[0]))
        if applied == membership.halfSteps { report() }
    }

    private func waitForSum() -> Bool {
        while !isStopped {
            let command = commands.wait()
            if case .apply = command { return true }
            handle(command)
        }
        return false
    }

    private func losses(_ shards: Int, _ loaded: Loaded) -> [LossEntry] {
        let images = loaded.plan.configuration.shardImages
        return Array(repeating: LossEntry(loss: Double(images), correct: 0, images: images), count: shards)
    }

    private func report() {
        guard let loaded else { return }
        events.post(
            .reported(
                StateReport(
                    appliedHalfSteps: applied, digest: UInt64(applied), edges: loaded.size.edges,
                    betas: Array(repeating: 1 / Float(loaded.size.operations), count: loaded.count(.alphas)))))
    }

    private func sleep(until moment: Duration) {
        let left = (moment - MonotonicClock.now).inSeconds
        if left > 0 { Thread.sleep(forTimeInterval: left) }
    }
}
