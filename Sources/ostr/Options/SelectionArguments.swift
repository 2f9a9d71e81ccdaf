import ArgumentParser
import Search
import Supernet

/// How the cell is chosen from the trained supernet.
struct SelectionArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Held-out images that strengths are measured on, cut to whole shards. (default: the alphas' whole half)",
            valueName: "n"))
    var strengthImages: Int?

    @Flag(help: "Measure every operation on every image, without dropping those that cannot win.")
    var fullTable = false

    @Option(
        help: ArgumentHelp(
            "Drop an operation as soon as another one is ahead of it, by paired t tests after 1, 2, 4, ... blocks of images. All "
                + "operations chosen are those of the full table with at least this probability, above 0.5.",
            valueName: "confidence"))
    var racing: Double?

    @Flag(help: "Drop the worse half of an edge's operations while the set of images doubles (successive halving).")
    var halving = false

    @Option(
        help: ArgumentHelp(
            "How a node's two input edges are chosen in darts: strength (those without which the loss is largest), "
                + "magnitude (largest β, as DARTS) or all (every edge is kept). (default: strength)",
            valueName: "rule"))
    var edgeChoice: EdgeRule?

    @Option(
        help: ArgumentHelp(
            "How operations are chosen: strength or removal (the loss without the operation). `ostr select` also takes "
                + "magnitude, first-order, random, exhaustive and all, and several of them: then it compares them in one "
                + "table. (default: strength)",
            valueName: "name"))
    var criterion: [CriterionName] = []

    @Option(
        help: ArgumentHelp(
            "The weight at which an operation stands alone: one, beta (its own) or variance (the mixture's standard "
                + "deviation).",
            valueName: "weight"))
    var operationWeight: OperationWeight = .one

    @Flag(help: "Choose no operation `none`.")
    var excludeNone = false

    @Option(
        help: ArgumentHelp(
            "Train the weights for so many epochs after each decision, with the edges decided so far, at the learning rate's end. "
                + "(default: 0)",
            valueName: "n"))
    var fineTuneEpochs = 0

    @Option(
        help: ArgumentHelp(
            "Which edge is decided next: sequential, reverse, random, or greedy (the one whose best operation is the "
                + "farthest ahead).",
            valueName: "order"))
    var edgeOrder: EdgeOrder = .sequential

    @Option(help: ArgumentHelp("Seed of the random order, and of the criterion random.", valueName: "n"))
    var orderSeed: UInt64 = 0

    mutating func validate() throws {
        try Check.positive(strengthImages, "--strength-images")
        try Check.notNegative(fineTuneEpochs, "--fine-tune-epochs")
        try Check.atMost(TrainingOptions.largestEpochs, fineTuneEpochs, "--fine-tune-epochs")
        if fineTuneEpochs > 0, comparison != nil {
            throw ValidationError(
                "--fine-tune-epochs is impossible where criteria are compared: they share one supernet.")
        }
        if let racing, !(racing > 0.5 && racing <= 0.9999) {
            throw ValidationError("--racing \(racing) is impossible; it must be above 0.5 and at most 0.9999.")
        }
        let given = [(fullTable, "--full-table"), (racing != nil, "--racing"), (halving, "--halving")].filter(\.0)
        if given.count > 1 { throw ValidationError("\(given[0].1) and \(given[1].1) exclude each other; give one.") }
        if edgeOrder == .greedy, racing != nil || halving {
            throw ValidationError(
                "\(given[0].1) is impossible with --edge-order greedy, which needs every edge's losses whole.")
        }
    }

    /// The criteria to compare; nil where one of them is to choose.
    var comparison: [CriterionName]? {
        if criterion.isEmpty || criterion == [.strength] || criterion == [.removal] { return nil }
        return criterion
    }

    /// - Throws: `Failure` when edges are to be chosen in a space that keeps them all.
    func options(_ space: SearchSpace, compares: Bool = false) throws(Failure) -> SelectionOptions {
        if let comparison, !compares {
            throw Failure(
                .usage,
                "--criterion \(comparison.map(\.rawValue).joined(separator: ", ")) is for `ostr select`; a search takes one of "
                    + "strength and removal")
        }
        if let edgeChoice, space.keptInputs == nil {
            throw Failure(
                .usage,
                "--edge-choice \(edgeChoice.rawValue) is impossible in \(space.name): its nodes keep all of their edges"
            )
        }
        var options = SelectionOptions()
        if space.keptInputs != nil { options.edgeChoice = edgeChoice ?? .strength }
        options.images = strengthImages
        options.fullTable = fullTable
        // What is not asked for is left out, so that a configuration's digest does not change with new options.
        if criterion == [.removal] { options.criterion = .removal }
        if let comparison {
            options.compared = Criterion.all(of: CriterionName.kinds(comparison, in: space), in: space)
        }
        if operationWeight != .one { options.weight = operationWeight }
        if excludeNone { options.withoutNone = true }
        if let racing { options.racing = racing }
        if halving { options.halving = true }
        if fineTuneEpochs > 0 { options.fineTuneEpochs = fineTuneEpochs }
        if edgeOrder != .sequential { options.edgeOrder = edgeOrder }
        if orderSeed != 0 { options.edgeOrderSeed = orderSeed }
        return options
    }
}

/// A criterion on the command line.
enum CriterionName: String, CaseIterable, ExpressibleByArgument {
    case strength, removal, magnitude
    case firstOrder = "first-order"
    case random, exhaustive, all

    /// The kinds that some names stand for; `all` leaves the exhaustive one out where there are too many cells.
    static func kinds(_ names: [CriterionName], in space: SearchSpace) -> [Criterion.Kind] {
        if names.contains(.all) {
            return Criterion.Kind.allCases.filter { kind in
                kind != .exhaustive || names.contains(.exhaustive) || CriteriaComparison.isExhaustible(space)
            }
        }
        return names.compactMap { Criterion.Kind(rawValue: $0.rawValue) }
    }
}

extension OperationWeight: ExpressibleByArgument {}
extension EdgeOrder: ExpressibleByArgument {}
