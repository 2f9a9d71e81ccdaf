import Datasets
import Kernels
import Supernet

/// One copy of everything that training changes, and the arithmetic on it. Owned and called by one thread.
public final class Replica {
    /// What each half-step does.
    public let plan: TrainingPlan

    private let trainee: Trainee
    private let batch: ShardBatch
    private let accumulator: ShardAccumulator
    private let arithmetic: TrainingArithmetic
    private let standIn: StandIn?
    private var current: TrainingState
    /// For tests: changes a shard's images before its gradient is computed, (half-step, shard, normalised pixels).
    package var tamperWithImages: ((Int, Int, UnsafeMutableBufferPointer<Float>) -> Void)?

    /// Starts from the initial weights and alphas of the configuration's seed.
    ///
    /// - Parameters:
    ///   - dataset: the images that the search uses, no more.
    ///   - standIn: seconds to sleep in each half-step, and in each evaluation of a batch, instead of computing: for
    ///     measuring what is left. Gradients are then zero.
    /// - Throws: `SearchError` when configuration and data set do not fit each other.
    public init(
        configuration: SearchConfiguration, dataset: ImageDataset, standIn: Double? = nil
    ) throws(SearchError) {
        try configuration.validate(dataset: dataset)
        self.standIn = standIn.map(StandIn.init)
        trainee = try Trainee(configuration, shardImages: configuration.shardImages)
        plan = TrainingPlan(configuration: configuration, imageCount: dataset.count)
        batch = ShardBatch(plan: plan, dataset: dataset)
        accumulator = ShardAccumulator(
            capacity: Replica.largestGradient(plan, weights: trainee.parameters.count, alphas: trainee.alphas))
        arithmetic = TrainingArithmetic(
            weights: configuration.weights, alphas: configuration.alphas, shards: configuration.shards,
            statistics: trainee.statistics)
        current = trainee.initialState(seed: configuration.seed)
        load(.weights)
        load(.alphas)
    }

    /// Names, shapes and places of the weights.
    public var parameters: ParameterDirectory { trainee.parameters }

    /// What strengths are measured on.
    private var supernet: Supernet {
        guard case .supernet(let supernet) = trainee else { preconditionFailure("a network has no strengths") }
        return supernet
    }

    /// Half-steps applied so far; the next one to compute.
    public var appliedHalfSteps: Int { current.appliedHalfSteps }

    /// Floats of the gradient that a half-step sums over shards.
    public func gradientCount(of halfStep: HalfStep) -> Int {
        switch halfStep.part {
        case .whole: gradientCount(halfStep.kind)
        case .lookAhead: gradientCount(.weights)
        case .ahead: gradientCount(.alphas) + gradientCount(.weights)
        case .above, .below: gradientCount(.alphas)
        }
    }

    /// Floats of the largest gradient of a half-step.
    public var largestGradient: Int {
        Replica.largestGradient(plan, weights: gradientCount(.weights), alphas: gradientCount(.alphas))
    }

    private static func largestGradient(_ plan: TrainingPlan, weights: Int, alphas: Int) -> Int {
        plan.configuration.unrolled ?? false ? weights + alphas : max(weights, alphas)
    }

    /// Floats of the gradient by one group.
    public func gradientCount(_ kind: HalfStep.Kind) -> Int {
        switch kind {
        case .weights: trainee.parameters.count
        case .alphas: trainee.alphas
        }
    }

    /// A 64-bit digest of the state, equal on replicas that are equal. Cheap enough for every half-step.
    public func stateDigest() -> UInt64 { current.digest }

    /// Computes the shards of `run` for a half-step and adds the complete subtrees inside it.
    ///
    /// - Parameters:
    ///   - run: a part of the configuration's shards; nothing is computed for an empty one.
    ///   - halfStep: one of the plan.
    ///   - ready: called when elements of a subtree's sum are final, in falling ranges that together cover the whole
    ///     gradient, while earlier layers may still be computing. The pointer is to the whole sum, and valid until the
    ///     next call of this function.
    ///   - audit: a shard, and what takes the digest of its gradient and loss if it is in the run.
    ///   - isCancelled: asked before each shard; when it says so, the rest is not computed.
    /// - Returns: one loss sum for each shard of the run; fewer when cancelled.
    public func computeShards(
        _ run: Range<Int>, of halfStep: HalfStep, audit: (shard: Int, take: (UInt64) -> Void)? = nil,
        isCancelled: () -> Bool = { false },
        ready: (_ subtree: Range<Int>, _ elements: Range<Int>, _ sum: UnsafePointer<Float>) -> Void
    ) -> [LossSum] {
        let count = gradientCount(of: halfStep)
        let gradients = BatchGradients(
            trainee: trainee, batch: batch, halfStep: halfStep, count: count,
            standIn: standIn.map { ($0, shards: run.count) }, audit: audit, tamper: tamperWithImages)
        gradients.losses.reserveCapacity(run.count)
        accumulator.sum(
            run, shards: plan.configuration.shards, count: count, gradients: gradients,
            isCancelled: isCancelled, ready: ready)
        return gradients.losses
    }

    /// A digest of the gradient and the loss of one shard: equal for whoever computes them right.
    public func gradientDigest(shard: Int, of halfStep: HalfStep) -> UInt64 {
        var digest: UInt64 = 0
        _ = computeShards(shard..<(shard + 1), of: halfStep, audit: (shard, { digest = $0 })) { _, _, _ in }
        return digest
    }

    /// Passes over a half-step whose sums are not finite: the state stays as it is.
    /// - Returns: what is recorded as its loss, infinite.
    /// - Throws: `SearchError.mismatch` when the half-step is not the next.
    public func skip(_ halfStep: HalfStep) throws(SearchError) -> LossSum {
        guard halfStep.index == current.appliedHalfSteps else {
            throw .mismatch("half-step \(halfStep.index) comes after \(current.appliedHalfSteps) applied ones")
        }
        if current.lookAhead != nil {
            // What follows of this update has nothing to go on from, and changes nothing either.
            arithmetic.endLookAhead(of: &current)
            load(.weights)
        }
        current.appliedHalfSteps += 1
        return LossSum(loss: .infinity, correct: 0, images: plan.configuration.batch)
    }

    /// Applies a half-step, given the gradient summed over all shards in the summation tree. `gradientSum` is used as
    /// scratch.
    /// - Throws: `SearchError.nonFinite` when a sum is not finite, `SearchError.mismatch` when the half-step is not the
    ///   next or sums are of another size; the state is then unchanged.
    public func apply(
        _ halfStep: HalfStep, gradientSum: UnsafeMutableBufferPointer<Float>, losses: [LossSum]
    ) throws(SearchError) {
        guard halfStep.index == current.appliedHalfSteps else {
            throw .mismatch("half-step \(halfStep.index) comes after \(current.appliedHalfSteps) applied ones")
        }
        guard gradientSum.count == gradientCount(of: halfStep), losses.count == plan.configuration.shards else {
            throw .mismatch(
                "half-step \(halfStep.index) needs \(gradientCount(of: halfStep)) gradient sums and "
                    + "\(plan.configuration.shards) losses, not \(gradientSum.count) and \(losses.count)")
        }
        guard losses.allSatisfy(\.loss.isFinite) else { throw .nonFinite(halfStep: halfStep.index) }
        let sum = UnsafeBufferPointer(gradientSum)
        let norm: Double?
        let rate = plan.learningRate(epoch: halfStep.epoch)
        let alphasStep = halfStep.index / halfStep.halfStepsPerStep + 1
        switch (halfStep.part, halfStep.kind) {
        case (.ahead, _), (.above, _), (.below, _):
            if current.lookAhead == nil {
                // A part before it was passed over.
                norm = 0
            } else if halfStep.part == .ahead {
                norm = arithmetic.takeAhead(of: &current, gradientSum: sum)
            } else if halfStep.part == .above {
                norm = arithmetic.takeAbove(of: &current, gradientSum: sum)
            } else {
                norm = arithmetic.finishAhead(
                    of: &current, gradientSum: sum, learningRate: rate, step: alphasStep)
            }
        case (.lookAhead, _):
            norm = arithmetic.lookAhead(of: &current, gradientSum: sum, learningRate: rate)
        case (.whole, .weights):
            norm = arithmetic.stepWeights(of: &current, gradientSum: sum, learningRate: rate)
        case (.whole, .alphas):
            norm = arithmetic.stepAlphas(of: &current, gradientSum: sum, step: alphasStep)
        }
        guard norm != nil else { throw .nonFinite(halfStep: halfStep.index) }
        if halfStep.kind == .weights || halfStep.part != .whole { load(.weights) }
        if halfStep.kind == .alphas { load(.alphas) }
        current.appliedHalfSteps += 1
    }

    /// Loss sums of a selection task, one for each shard.
    ///
    /// - Precondition: `validate` accepts the task.
    public func evaluate(_ task: StrengthTask) -> [LossSum] {
        let options = plan.configuration.selection.evaluating(task)
        let choices = EdgeChoices(options, betas: supernet.betas, space: supernet.space).of(task)
        return task.shards.map { shard in
            if let standIn { return standIn.evaluate(plan.configuration) }
            batch.load(selectionShard: shard)
            supernet.noise = NoiseDraws(
                seed: plan.configuration.seed, firstImage: shard * plan.configuration.shardImages)
            let result = supernet.evaluate(images: batch.images, labels: batch.labels, choices: choices)
            return LossSum(loss: result.loss, correct: result.correct, images: plan.configuration.shardImages)
        }
    }

    /// A selection task with its loss sums; for the criterion `first-order` with the gradients, too.
    ///
    /// - Precondition: `validate` accepts the task.
    public func answer(_ task: StrengthTask) -> SearchState.Evaluation {
        guard plan.configuration.selection.wantsGradient(task) else {
            return SearchState.Evaluation(task: task, losses: evaluate(task))
        }
        let found = task.shards.map(selectionGradient)
        return SearchState.Evaluation(
            task: task, losses: found.map(\.loss), derivatives: found.flatMap(\.gradient))
    }

    /// The loss sum of a shard of held-out images, all edges mixed, and the gradient of their mean loss by the alphas,
    /// (edges × operations).
    func selectionGradient(shard: Int) -> (loss: LossSum, gradient: [Float]) {
        var gradient = [Float](repeating: 0, count: supernet.edges * supernet.operations)
        batch.load(selectionShard: shard)
        supernet.noise = NoiseDraws(
            seed: plan.configuration.seed, firstImage: shard * plan.configuration.shardImages)
        let result = supernet.gradient(
            of: .alphas, images: batch.images, labels: batch.labels, into: &gradient, ready: { _ in })
        let loss = LossSum(loss: result.loss, correct: result.correct, images: plan.configuration.shardImages)
        return (loss, gradient)
    }

    /// - Throws: `SearchError.mismatch` when a task from elsewhere names what this search does not have.
    public func validate(_ task: StrengthTask) throws(SearchError) {
        let betas = betas()
        try task.validate(
            edges: betas.count, operations: betas.first?.count ?? 0, shards: plan.selectionShards,
            criteria: plan.configuration.selection.compared?.count ?? 0)
    }

    /// β = softmax(α), one row an edge.
    public func betas() -> [[Float]] { trainee.betas }

    /// Weights, momentum, alphas and Adam's moments. Reading costs a copy at the next half-step.
    /// - Precondition: a new state has the sizes of the old one; `TrainingState.init(decoding:shape:)` sees to it.
    public var state: TrainingState {
        get { current }
        set {
            precondition(newValue.hasSizes(of: current), "a state of another supernet")
            current = newValue
            load(.weights)
            load(.alphas)
        }
    }

    private func load(_ kind: HalfStep.Kind) {
        switch kind {
        case .weights: current.weights.withUnsafeBufferPointer { $0.baseAddress.map(trainee.load(weights:)) }
        case .alphas:
            current.alphas.withUnsafeBufferPointer { $0.baseAddress.map(trainee.load(alphas:)) }
            guard let stage = plan.configuration.stage, case .supernet(let supernet) = trainee else { return }
            supernet.choices = EdgeChoices(
                plan.configuration.selection, betas: supernet.betas, space: supernet.space
            ).of(StrengthTask(replacement: nil, decided: stage.decided, shards: 0..<0))
        }
    }
}

/// The gradients of a half-step's shards, each computed from its images.
private final class BatchGradients: ShardGradients {
    let trainee: Trainee
    let batch: ShardBatch
    let halfStep: HalfStep
    /// Floats of the gradient.
    let count: Int
    /// What computes instead of the network, and shards that share the time.
    let standIn: (StandIn, shards: Int)?
    /// The shard whose digest is wanted, and who takes it.
    let audit: (shard: Int, take: (UInt64) -> Void)?
    let tamper: ((Int, Int, UnsafeMutableBufferPointer<Float>) -> Void)?
    /// Of the shards computed so far.
    var losses: [LossSum] = []

    init(
        trainee: Trainee, batch: ShardBatch, halfStep: HalfStep, count: Int, standIn: (StandIn, shards: Int)?,
        audit: (shard: Int, take: (UInt64) -> Void)?,
        tamper: ((Int, Int, UnsafeMutableBufferPointer<Float>) -> Void)?
    ) {
        self.trainee = trainee
        self.batch = batch
        self.halfStep = halfStep
        self.count = count
        self.standIn = standIn
        self.audit = audit
        self.tamper = tamper
    }

    private var images: Int { batch.plan.configuration.shardImages }

    func compute(_ shard: Int, into target: UnsafeMutablePointer<Float>, final: (Range<Int>) -> Void) {
        if let (standIn, shards) = standIn {
            standIn.gradient(target, count: count, shards: shards, final: final)
            return losses.append(StandIn.loss(images: images))
        }
        batch.load(shard: shard, of: halfStep)
        tamper?(halfStep.index, shard, UnsafeMutableBufferPointer(start: batch.images, count: batch.pixelCount))
        let result = trainee.gradient(of: halfStep, shard: shard, batch, into: target, ready: final)
        losses.append(LossSum(loss: result.loss, correct: result.correct, images: images))
        guard let audit, audit.shard == shard else { return }
        var digest = StateDigest()
        digest.combine(target, count: count)
        digest.combine(result.loss.bitPattern)
        audit.take(digest.value)
    }
}
