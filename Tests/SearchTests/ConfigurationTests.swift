import Supernet
import Testing

@testable import Search

/// A configuration that is valid for 2,000 images.
private func configuration(_ change: (inout SearchConfiguration) -> Void = { _ in }) -> SearchConfiguration {
    var configuration = SearchConfiguration(
        supernet: SupernetShape(
            space: "nasbench201", channels: 4, cells: 1, classes: 10, inputChannels: 1, imageSize: 32),
        dataset: .fashionMNIST, datasetDigest: "", epochs: 2, batch: 64, shards: 4, seed: 1)
    change(&configuration)
    return configuration
}

private struct Mistake: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let change: @Sendable (inout SearchConfiguration) -> Void

    init(_ text: String, _ change: @escaping @Sendable (inout SearchConfiguration) -> Void) {
        testDescription = text
        self.change = change
    }
}

@Suite("Configuration and plan")
struct ConfigurationTests {
    private static let mistakes = [
        Mistake("shards is 3;") { $0.shards = 3 },
        Mistake("shards is 0;") { $0.shards = 0 },
        Mistake("shards is -4;") { $0.shards = -4 },
        Mistake("128 shards do not divide a batch of 64 images evenly") { $0.shards = 128 },
        Mistake("4 shards do not divide a batch of 66 images evenly") { $0.batch = 66 },
        Mistake("batch is 0;") { $0.batch = 0 },
        Mistake("a batch of 1024 images does not fit in half of 2000 images; at most 1000") { $0.batch = 1024 },
        Mistake("epochs is -1;") { $0.epochs = -1 },
        Mistake("9223372036854775807 epochs are more than can be counted") { $0.epochs = .max },
        Mistake("channels is 0;") { $0.supernet.channels = 0 },
        Mistake("cells is -1;") { $0.supernet.cells = -1 },
        Mistake("classes is 0;") { $0.supernet.classes = 0 },
        Mistake("classes is 257;") { $0.supernet.classes = 257 },
        Mistake("1999 images, and 2000 are given") { $0.images = 1999 },
        Mistake("15 strength images are less than one shard of 16") { $0.selection.images = 15 },
        Mistake("1001 strength images are more than the alphas' half of 1000") { $0.selection.images = 1001 },
        Mistake("learning rate is nan;") { $0.weights.learningRate = .nan },
        Mistake("weight decay is -1.0;") { $0.weights.weightDecay = -1 },
        Mistake("momentum is 1.0;") { $0.weights.momentum = 1 },
        Mistake("β₂ is -0.5;") { $0.alphas.beta2 = -0.5 },
        Mistake("clip is -1.0;") { $0.weights.clip = -1 },
        Mistake("ε is inf;") { $0.alphas.epsilon = .infinity },
    ]

    @Test("an impossible configuration is refused, naming the value", arguments: mistakes)
    private func refused(mistake: Mistake) {
        let error = #expect(throws: SearchError.self) {
            try configuration(mistake.change).validate(imageCount: 2000)
        }
        #expect(error?.description.contains(mistake.testDescription) == true, "\(error?.description ?? "no error")")
    }

    @Test("possible configurations are accepted")
    func accepted() throws {
        try configuration().validate(imageCount: 2000)
        try configuration { $0.epochs = 0 }.validate(imageCount: 2000)
        try configuration { $0.shards = 64 }.validate(imageCount: 2000)
        try configuration { $0.shards = 1 }.validate(imageCount: 128)
        try configuration { $0.selection.images = 16 }.validate(imageCount: 2000)
        try configuration { $0.selection.images = 1000 }.validate(imageCount: 2000)
    }

    @Test("too few images are refused", arguments: [-5, 0, 1, 127])
    func fewImages(count: Int) {
        #expect(throws: SearchError.self) { try configuration().validate(imageCount: count) }
    }

    @Test("an epoch goes through each half in an order of its own, and drops the last, smaller batch")
    func plan() {
        let plan = TrainingPlan(configuration: configuration(), imageCount: 2001)
        #expect(plan.weightsImages == 1000 && plan.alphasImages == 1001 && plan.stepsPerEpoch == 15)
        #expect(plan.halfSteps == 60)
        #expect(plan.order(.weights, epoch: 0).sorted() == Array(0..<1000))
        #expect(plan.order(.alphas, epoch: 0).sorted() == Array(1000..<2001))
        #expect(plan.order(.weights, epoch: 0) != plan.order(.weights, epoch: 1))
        #expect(plan.order(.weights, epoch: 1) == plan.order(.weights, epoch: 1))
        let last = plan.halfStep(59)
        #expect(last.epoch == 1 && last.step == 14 && last.kind == .weights)
        #expect(plan.places(shard: 3, of: last) == 944..<960)
        #expect(plan.selectionShards == 62)
        #expect(plan.selectionImages(shard: 61) == 1976..<1992)
    }

    @Test("the learning rate falls along a half cosine by epoch")
    func learningRate() {
        let plan = TrainingPlan(configuration: configuration { $0.epochs = 50 }, imageCount: 2000)
        #expect(plan.learningRate(epoch: 0) == 0.025)
        #expect(abs(plan.learningRate(epoch: 25) - 0.013) < 1e-12)
        #expect(plan.learningRate(epoch: 49) > 0.001 && plan.learningRate(epoch: 49) < 0.00103)
    }

    @Test("either half-step comes first, as the configuration says", arguments: StepOrder.allCases)
    func stepOrder(order: StepOrder) {
        let plan = TrainingPlan(configuration: configuration { $0.stepOrder = order }, imageCount: 2000)
        #expect(plan.halfStep(0).kind == (order == .alphasFirst ? .alphas : .weights))
        #expect(plan.halfStep(1).kind == (order == .alphasFirst ? .weights : .alphas))
        #expect(plan.halfStep(0).step == 0 && plan.halfStep(1).step == 0 && plan.halfStep(2).step == 1)
    }
}
