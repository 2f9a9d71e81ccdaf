import Kernels

/// Gives images as normalised, augmented `Float` values. A value without state: any thread may call it.
public struct ImageLoader: Sendable {
    /// The images that it gives.
    public let dataset: ImageDataset
    /// The run's seed, on which crops and flips depend.
    public let seed: UInt64
    /// The normalised values of bytes, (channels, 256).
    private let table: [Float]

    /// Images of a data set with its usual normalisation.
    public init(dataset: ImageDataset, seed: UInt64) {
        self.init(dataset: dataset, seed: seed, normalization: .usual(for: dataset.kind))
    }

    /// - Precondition: `normalization` has a value for each channel.
    public init(dataset: ImageDataset, seed: UInt64, normalization: Normalization) {
        precondition(normalization.mean.count == dataset.channels, "a mean for each channel")
        precondition(normalization.standardDeviation.count == dataset.channels, "a standard deviation for each channel")
        self.dataset = dataset
        self.seed = seed
        table = zip(normalization.mean, normalization.standardDeviation).flatMap { mean, deviation in
            (0..<256).map { (Float($0) / 255 - mean) / deviation }
        }
    }

    /// Floats of one image.
    public var imageCount: Int { dataset.channels * dataset.size * dataset.size }

    /// The label of an image.
    public func label(_ index: Int) -> UInt8 { dataset.labels[index] }

    /// Writes the labels of the images at `indices`, in their order.
    public func fillLabels(_ indices: some Collection<Int>, into labels: UnsafeMutablePointer<UInt8>) {
        for (position, index) in indices.enumerated() { labels[position] = dataset.labels[index] }
    }

    /// Writes the images at `indices`, in their order, as (n, channels, size, size) normalised values.
    ///
    /// Pixels that a crop brings in from outside are black before normalisation. How an image is cropped, flipped and cut out
    /// depends on seed, epoch and its index alone.
    /// - Parameters:
    ///   - augmentation: nil for the images as they are.
    ///   - output: room for `indices.count * imageCount` floats.
    /// - Precondition: indices are in 0 ..< dataset.count.
    public func fill(
        _ indices: some Collection<Int>, augmentation: Augmentation?, epoch: Int,
        into output: UnsafeMutablePointer<Float>
    ) {
        dataset.pixels.withUnsafeBufferPointer { pixels in
            table.withUnsafeBufferPointer { table in
                for (position, index) in indices.enumerated() {
                    precondition(index >= 0 && index < dataset.count, "no such image")
                    let placement = placement(of: index, augmentation: augmentation, epoch: epoch)
                    for channel in 0..<dataset.channels {
                        let plane = dataset.size * dataset.size
                        fillPlane(
                            from: UnsafeBufferPointer(
                                rebasing: pixels[((index * dataset.channels + channel) * plane)...].prefix(plane)),
                            table: UnsafeBufferPointer(rebasing: table[(256 * channel)...].prefix(256)), placement,
                            into: output + position * imageCount + channel * plane)
                    }
                }
            }
        }
    }

    /// How one image is cropped and flipped: output (y, x) shows input (y + dy, x + dx), then it is mirrored.
    struct Placement: Equatable {
        var dy = 0
        var dx = 0
        var mirrored = false
        /// What is blanked out of the output.
        var blankRows = 0..<0
        var blankColumns = 0..<0
    }

    func placement(of index: Int, augmentation: Augmentation?, epoch: Int) -> Placement {
        guard let augmentation else { return Placement() }
        var placement = Placement()
        let padding = augmentation.cropPadding
        if padding > 0 {
            let crop = Philox(seed: seed, purpose: .crop, context: epoch, stream: index)
            placement.dy = crop.integer(below: 2 * padding + 1, at: 0) - padding
            placement.dx = crop.integer(below: 2 * padding + 1, at: 1) - padding
        }
        if augmentation.flips {
            placement.mirrored = Philox(seed: seed, purpose: .flip, context: epoch, stream: index).uniform(at: 0) < 0.5
        }
        if augmentation.cutout > 0 {
            let draws = Philox(seed: seed, purpose: .cutout, context: epoch, stream: index)
            func span(_ centre: Int) -> Range<Int> {
                // As quark0/darts counts: an odd side is one pixel shorter.
                max(0, centre - augmentation.cutout / 2)..<min(dataset.size, centre + augmentation.cutout / 2)
            }
            placement.blankRows = span(draws.integer(below: dataset.size, at: 0))
            placement.blankColumns = span(draws.integer(below: dataset.size, at: 1))
        }
        return placement
    }

    private func fillPlane(
        from input: UnsafeBufferPointer<UInt8>, table: UnsafeBufferPointer<Float>, _ placement: Placement,
        into output: UnsafeMutablePointer<Float>
    ) {
        let size = dataset.size
        let black = table[0]
        // Columns x of the output for which x + dx is inside the input.
        let inside = min(size, max(0, -placement.dx))..<max(0, min(size, size - placement.dx))
        for y in 0..<size {
            let row = output + y * size
            let source = y + placement.dy
            guard source >= 0 && source < size && !inside.isEmpty else {
                row.update(repeating: black, count: size)
                continue
            }
            let start = source * size + placement.dx
            for x in 0..<inside.lowerBound { row[x] = black }
            for x in inside { row[x] = table[Int(input[start + x])] }
            for x in inside.upperBound..<size { row[x] = black }
            if placement.mirrored {
                for x in 0..<size / 2 { (row[x], row[size - 1 - x]) = (row[size - 1 - x], row[x]) }
            }
        }
        for y in placement.blankRows {
            for x in placement.blankColumns { output[y * size + x] = 0 }
        }
    }
}
