import ArgumentParser
import Search

/// How the supernet is trained.
struct TrainingOptions: ParsableArguments {
    static let largestEpochs = 1_000_000

    @Option(help: ArgumentHelp("Passes over the training half. (default: demo 10, darts 3; paper 50)", valueName: "n"))
    var epochs: Int?

    @Option(
        help: ArgumentHelp(
            "Order of a step's halves: alphas-first (as quark0/darts) or weights-first (as AutoDL-Projects).",
            valueName: "order"))
    var stepOrder: StepOrder = .alphasFirst

    @Flag(
        help: ArgumentHelp(
            "Update the alphas by the gradient of second order, through one step of the weights (DARTS' unrolled update): three more "
                + "gradients a step."))
    var unrolled = false

    @OptionGroup var weights: WeightsOptions

    @Option(
        help: ArgumentHelp("The weights' learning rate at the beginning; it falls along a cosine.", valueName: "x"))
    var learningRate = 0.025

    @Option(help: ArgumentHelp("The weights' learning rate at the end.", valueName: "x"))
    var learningRateEnd = 0.001

    @Option(help: ArgumentHelp("Largest norm of the weights' gradient.", valueName: "x"))
    var clip = 5.0

    @Option(help: ArgumentHelp("The alphas' learning rate.", valueName: "x"))
    var alphasLearningRate = 3e-4

    @Option(help: ArgumentHelp("The alphas' weight decay.", valueName: "x"))
    var alphasWeightDecay = 1e-3

    mutating func validate() throws {
        try Check.notNegative(epochs, "--epochs")
        try Check.atMost(Self.largestEpochs, epochs, "--epochs")
        try Check.notNegative(learningRate, "--learning-rate")
        try Check.notNegative(learningRateEnd, "--learning-rate-end")
        try Check.positive(clip, "--clip")
        try Check.notNegative(alphasLearningRate, "--alphas-learning-rate")
        try Check.notNegative(alphasWeightDecay, "--alphas-weight-decay")
    }

    func apply(to configuration: inout SearchConfiguration, _ preset: Preset) {
        configuration.stepOrder = stepOrder
        configuration.augment = !weights.noAugment
        // What is not asked for is left out, so that a configuration's digest does not change with new options.
        if unrolled { configuration.unrolled = true }
        configuration.weights.learningRate = learningRate
        configuration.weights.minimumLearningRate = learningRateEnd
        configuration.weights.momentum = weights.momentum
        configuration.weights.weightDecay = weights.weightDecay ?? preset.weightDecay
        configuration.weights.nesterov = preset.nesterov
        configuration.weights.clip = clip
        configuration.alphas.learningRate = alphasLearningRate
        configuration.alphas.weightDecay = alphasWeightDecay
    }
}
