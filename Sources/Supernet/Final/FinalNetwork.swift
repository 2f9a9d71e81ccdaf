import Kernels

/// A network of chosen cells, trained from scratch: NAS-Bench-201's or DARTS', with affine batch norms that keep running
/// statistics. Forward, backward for weights, evaluation.
///
/// Owned and called by one thread; all memory is taken when it is made. In training batch normalisation uses the
/// statistics of the images of a call, in evaluations the running ones.
public final class FinalNetwork {
    /// Channels, cells, classes and image size.
    public let shape: SupernetShape
    /// The cells that it is made of.
    public let genotype: Genotype
    /// Images of one call.
    public let shardImages: Int
    /// Names, shapes and places, as in the public state dicts (AutoDL-Projects' `TinyNetwork`, quark0's `NetworkCIFAR`): the
    /// trained parameters, then the running statistics.
    public let parameters: ParameterDirectory
    /// Parameters that are trained by gradients: all before the running statistics.
    public let trained: Int
    /// Bytes of activations, gradients and packed weights.
    public var bytes: Int { skeleton.bytes }

    private let skeleton: any FinalSkeleton

    /// - Parameters:
    ///   - shape: of the skeleton; its space is the genotype's.
    ///   - auxiliary: whether there is an auxiliary head, in DARTS' spaces and for images of 32 pixels.
    /// - Throws: `SupernetError.shape` for impossible sizes, and for genotypes that make no network.
    public init(
        _ genotype: Genotype, shape: SupernetShape, auxiliary: Bool = false, shardImages: Int,
        convolution: ConvolutionAlgorithm = .auto
    ) throws(SupernetError) {
        guard genotype.space == (try SearchSpace.of(shape)) else {
            throw .shape("a genotype of \(genotype.space.name) makes no network of the space \(shape.space)")
        }
        try FinalNetwork.check(genotype)
        try shape.checkSizes(shardImages: shardImages)
        self.genotype = genotype
        self.shape = shape
        self.shardImages = shardImages
        switch genotype.space.skeleton {
        case .nasbench201:
            guard !auxiliary else { throw .shape("networks of nasbench201 have no auxiliary head") }
            skeleton = try FinalNASBench201(genotype, shape: shape, images: shardImages, convolution: convolution)
        case .darts(let stemMultiplier, _):
            skeleton = try FinalDARTS(
                genotype, stemMultiplier: stemMultiplier, shape: shape, auxiliary: auxiliary, images: shardImages)
        }
        trained = skeleton.parameters.count
        parameters = skeleton.parameters.appending(skeleton.running.directory)
    }

    /// Whether cells of a genotype make a network at all.
    private static func check(_ genotype: Genotype) throws(SupernetError) {
        if let row = genotype.operations.firstIndex(where: { $0.map { genotype.space.operations[$0] } == "noise" }) {
            throw .shape("`noise` on edge \(genotype.space.edges[row].name) cannot be part of a final network")
        }
        for (type, cell) in genotype.space.cellTypes.enumerated() {
            let found = Set(genotype.placed(ofCellType: type).map(\.node))
            guard let node = cell.nodes.first(where: { !found.contains($0) }) else { continue }
            throw .shape("node \(node) of the \(cell.name) cell has no edge, so there is nothing that it could hand on")
        }
    }

    /// Trained parameters but for those of the auxiliary head, which is not there when the network is used.
    public var parameterCount: Int { trained - (skeleton.auxiliary?.range.count ?? 0) }

    /// Multiply-adds of convolutions and classifier for one image, without the auxiliary head: what the field calls FLOPs.
    public var multiplyAdds: Int { skeleton.multiplyAdds }

    /// Takes new weights, in the order of `parameters`; after every change, and before the first use.
    public func load(weights: UnsafePointer<Float>) {
        skeleton.load(weights: weights)
        skeleton.running.load(weights + trained)
    }

    /// Logits (images, classes) of the last pass.
    public var logits: [Float] {
        Array(UnsafeBufferPointer(start: skeleton.logits, count: shardImages * shape.classes))
    }

    /// The auxiliary head's logits of the last training pass; nil without one.
    public var auxiliaryLogits: [Float]? {
        skeleton.auxiliary.map { Array(UnsafeBufferPointer(start: $0.logits, count: shardImages * shape.classes)) }
    }

    /// The gradient of a shard's mean cross-entropy, plus `auxiliaryWeight` times that of the auxiliary head; and in the
    /// places of the running statistics what each batch norm measured: means and unbiased variances.
    ///
    /// - Parameters:
    ///   - images: (shardImages, inputChannels, imageSize, imageSize), normalised.
    ///   - labels: (shardImages), each below `shape.classes`.
    ///   - dropPath: nil for none.
    ///   - indices: of the images in their data set, on which what is dropped depends.
    ///   - gradient: `parameters.count` floats, overwritten.
    ///   - ready: called with falling ranges of `gradient` that are final, together all of it.
    /// - Returns: the classifier's cross-entropy summed (not averaged) over the shard in image order, and correct
    ///   predictions.
    public func gradient(
        images: UnsafePointer<Float>, labels: UnsafePointer<UInt8>, auxiliaryWeight: Double = 0,
        dropPath: DropPath? = nil, indices: [Int] = [], into gradient: UnsafeMutablePointer<Float>,
        ready: (Range<Int>) -> Void
    ) -> (loss: Double, correct: Int) {
        precondition(dropPath == nil || indices.count == shardImages, "an index for each image")
        Profile.phase(.forward)
        skeleton.running.areUsed = false
        skeleton.draw(dropPath, indices)
        let result = skeleton.forward(images: images, labels: labels, wantsGradient: true)
        if let auxiliary = skeleton.auxiliary { _ = auxiliary.forward(labels: labels) }
        Profile.phase(.backward)
        skeleton.running.store(into: gradient + trained)
        ready(trained..<parameters.count)
        skeleton.backwardHead(gradient)
        ready(skeleton.headRange)
        if let auxiliary = skeleton.auxiliary {
            auxiliary.backward(weight: auxiliaryWeight, weightsGradient: gradient)
            ready(auxiliary.range)
        }
        skeleton.backwardCells(gradient, ready: ready)
        return result
    }

    /// The forward pass with running statistics, all paths and no auxiliary head.
    ///
    /// - Parameter count: so many of the images count, the first ones.
    public func evaluate(
        images: UnsafePointer<Float>, labels: UnsafePointer<UInt8>, count: Int
    ) -> (loss: Double, correct: Int) {
        precondition((1...shardImages).contains(count), "as many images as there are")
        Profile.phase(.forward)
        skeleton.running.areUsed = true
        skeleton.draw(nil, [])
        _ = skeleton.forward(images: images, labels: labels, wantsGradient: false)
        return Classifier.crossEntropy(
            images: count, classes: shape.classes, logits: skeleton.logits, labels: labels, dLogits: nil)
    }
}
