import ArgumentParser
import Datasets
import Protocol
import Supernet

/// Where images are.
struct DataOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Folder of the data set's files. (default: fashion-mnist \(DatasetKind.fashionMNIST.defaultFolder), which "
                + "Debian's package dataset-fashion-mnist fills; others data/NAME)",
            valueName: "folder"))
    var data: String?

    func folder(_ kind: DatasetKind) -> String { data ?? kind.defaultFolder }
}

/// What random draws depend on.
struct SeedOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Seed of every random draw, 0 or more.", valueName: "n"))
    var seed: UInt64 = 0
}

/// How kernels compute, of supernets and of networks.
struct ConvolutionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How 3x3 convolutions are computed: direct, winograd (a quarter of the multiplications, errors of about "
                + "1e-5), or auto: winograd where it is faster. Part of what the numbers depend on.",
            valueName: "name"))
    var convolution: ConvolutionAlgorithm = .auto
}

/// How weights are trained, of supernets and of networks, where the defaults are the same.
struct WeightsOptions: ParsableArguments {
    @Flag(help: "Train without random crops and flips.")
    var noAugment = false

    @Option(
        help: ArgumentHelp("The weights' momentum: Nesterov's in nasbench201, plain in darts' spaces.", valueName: "x"))
    var momentum = 0.9

    @Option(
        help: ArgumentHelp(
            "The weights' weight decay. (default: nasbench201 5e-4, darts' spaces 3e-4)", valueName: "x"))
    var weightDecay: Double?

    @Option(
        name: .customLong("on-nonfinite"),
        help: ArgumentHelp(
            "When a gradient is not finite, whoever computes it: stop, or skip the half-step.", valueName: "what"))
    var onNonFinite: CoordinatorMachine.NonFinitePolicy = .stop

    mutating func validate() throws {
        try Check.notNegative(momentum, "--momentum")
        try Check.notNegative(weightDecay, "--weight-decay")
    }
}

extension CoordinatorMachine.NonFinitePolicy: ExpressibleByArgument {}
