import Datasets
import Supernet

extension SearchConfiguration {
    /// Criteria that are compared at most; there are fewer that differ.
    static let mostCriteria = 64

    /// Checks everything that can be checked without a supernet and without images.
    ///
    /// - Parameter imageCount: images of the training set that the search uses.
    /// - Throws: `SearchError.configuration` naming the value and what is allowed.
    public func validate(imageCount: Int) throws(SearchError) {
        try validateSizes()
        try validateOptimizers()
        let space = try supernet.searchSpace
        try validateThinningOut()
        try validateStage(space)
        try validateComparison(space)
        if selection.edgeChoice != nil && space.keptInputs == nil {
            throw .configuration("in \(space.name) every node keeps all of its edges; there is no choice of edges")
        }
        if let images, images != imageCount {
            throw .configuration("the configuration uses \(images) images, and \(imageCount) are given")
        }
        if network != nil {
            try validateNetwork()
            guard batch <= imageCount else {
                throw .configuration("a batch of \(batch) images is more than there are: \(imageCount)")
            }
            let steps = epochs.multipliedReportingOverflow(by: imageCount / batch)
            guard !steps.overflow else { throw .configuration("\(epochs) epochs are more than can be counted") }
            return
        }
        guard imageCount >= 2 else {
            throw .configuration("\(imageCount) images are too few: half train the weights, half the alphas")
        }
        let half = imageCount / 2
        guard batch <= half else {
            throw .configuration(
                "a batch of \(batch) images does not fit in half of \(imageCount) images; at most \(half) are allowed")
        }
        if let images = selection.images {
            guard images >= shardImages else {
                throw .configuration(
                    "\(images) strength images are less than one shard of \(shardImages); give at least \(shardImages)")
            }
            guard images <= imageCount - half else {
                throw .configuration(
                    "\(images) strength images are more than the alphas' half of \(imageCount - half)")
            }
        }
        let steps = epochs.multipliedReportingOverflow(by: 2 * (half / batch))
        guard !steps.overflow else { throw .configuration("\(epochs) epochs are more than can be counted") }
    }

    /// Checks that the data set is the configured one.
    ///
    /// - Throws: `SearchError.configuration` naming what differs.
    public func validate(dataset images: ImageDataset) throws(SearchError) {
        guard images.kind == dataset else {
            throw .configuration("the configuration is for \(dataset.rawValue), the images are \(images.kind.rawValue)")
        }
        guard images.channels == supernet.inputChannels else {
            throw .configuration(
                "the supernet takes \(supernet.inputChannels) input channels, \(dataset.rawValue) has \(images.channels)"
            )
        }
        guard images.size == supernet.imageSize else {
            throw .configuration(
                "the supernet takes \(supernet.imageSize)-pixel images, \(dataset.rawValue) has \(images.size) pixels")
        }
        guard images.classes == supernet.classes else {
            throw .configuration(
                "the supernet has \(supernet.classes) classes, \(dataset.rawValue) has \(images.classes)")
        }
        guard images.digest == datasetDigest else {
            throw .configuration(
                "the images differ from the run's: digest \(images.digest), expected \(datasetDigest)")
        }
        try validate(imageCount: images.count)
    }

    private func validateStage(_ space: SearchSpace) throws(SearchError) {
        if let epochs = selection.fineTuneEpochs, epochs < 1 {
            throw .configuration("\(epochs) epochs between decisions are impossible; at least 1 is allowed")
        }
        guard let stage else { return }
        guard selection.fineTuneEpochs != nil, stage.firstEpoch >= 0, (0...1 << 40).contains(stage.firstHalfStep),
            stage.decided.count == space.edges.count,
            zip(stage.decided, space.candidates).allSatisfy({ $0.map($1.contains) ?? true })
        else { throw .configuration("a stage decides edges or operations that \(space.name) does not have") }
    }

    private func validateComparison(_ space: SearchSpace) throws(SearchError) {
        guard let criteria = selection.compared else { return }
        guard (1...SearchConfiguration.mostCriteria).contains(criteria.count) else {
            throw .configuration(
                "\(criteria.count) criteria cannot be compared; 1 to \(SearchConfiguration.mostCriteria) are allowed")
        }
        guard selection.fineTuneEpochs == nil, network == nil else {
            throw .configuration("criteria are compared on one supernet, which nothing trains meanwhile")
        }
        if criteria.contains(where: { $0.kind == .exhaustive }) { try CriteriaComparison.requireExhaustible(space) }
    }

    private func validateThinningOut() throws(SearchError) {
        if let confidence = selection.racing, !(confidence > 0.5 && confidence <= 0.9999) {
            throw .configuration(
                "a confidence of \(confidence) is impossible; it has to be above 0.5 and at most 0.9999")
        }
        let halves = selection.halving ?? false
        guard selection.racing != nil || halves else { return }
        let name = halves ? "halving" : "racing"
        if selection.racing != nil && halves { throw .configuration("racing and halving exclude each other") }
        if selection.fullTable { throw .configuration("\(name) and the full table exclude each other") }
        if selection.edgeOrder == .greedy {
            throw .configuration("\(name) is impossible in the order greedy, which needs every edge's losses whole")
        }
    }

    private func validateSizes() throws(SearchError) {
        let sizes = [
            ("channels", supernet.channels), ("cells", supernet.cells), ("classes", supernet.classes),
            ("input channels", supernet.inputChannels), ("image size", supernet.imageSize), ("batch", batch),
            ("shards", shards),
        ]
        for (name, value) in sizes where value < 1 {
            throw .configuration("\(name) is \(value); it has to be at least 1")
        }
        guard supernet.classes <= 256 else {
            throw .configuration("classes is \(supernet.classes); at most 256 are allowed")
        }
        guard epochs >= 0 else { throw .configuration("epochs is \(epochs); it has to be at least 0") }
        guard shards & (shards - 1) == 0 else {
            throw .configuration("shards is \(shards); it has to be a power of two")
        }
        guard batch % shards == 0 else {
            throw .configuration("\(shards) shards do not divide a batch of \(batch) images evenly")
        }
    }

    private func validateOptimizers() throws(SearchError) {
        let rates = [
            ("learning rate", weights.learningRate), ("minimum learning rate", weights.minimumLearningRate),
            ("weight decay", weights.weightDecay), ("clip", weights.clip),
            ("alphas' learning rate", alphas.learningRate),
            ("alphas' weight decay", alphas.weightDecay),
        ]
        for (name, value) in rates where !(value >= 0 && value.isFinite) {
            throw .configuration("\(name) is \(value); it has to be finite and not negative")
        }
        let fractions = [("momentum", weights.momentum), ("β₁", alphas.beta1), ("β₂", alphas.beta2)]
        for (name, value) in fractions where !(value >= 0 && value < 1) {
            throw .configuration("\(name) is \(value); it has to be at least 0 and below 1")
        }
        guard alphas.epsilon > 0, alphas.epsilon.isFinite else {
            throw .configuration("ε is \(alphas.epsilon); it has to be finite and above 0")
        }
    }
}
