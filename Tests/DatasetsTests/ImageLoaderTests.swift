import Datasets
import Testing

@Suite("Images for training")
struct ImageLoaderTests {
    private let images: ImageDataset

    init() throws { images = try ImageDataset.load(kind: .cifar10, folder: cifarFixture) }

    private func fill(
        _ loader: ImageLoader, _ indices: some Collection<Int>, _ augmentation: Augmentation?, epoch: Int = 0
    ) -> [Float] {
        let count = indices.count * loader.imageCount
        return [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            if let start = buffer.baseAddress {
                loader.fill(indices, augmentation: augmentation, epoch: epoch, into: start)
            }
            initialized = count
        }
    }

    /// A plain version: pad, crop and mirror bytes, then normalise.
    private func reference(_ image: Int, dy: Int, dx: Int, mirrored: Bool) -> [Float] {
        let mean: [Float] = [0.49139968, 0.48215827, 0.44653124]
        let deviation: [Float] = [0.24703233, 0.24348505, 0.26158768]
        return (0..<3072).map { index in
            let (channel, y, column) = (index / 1024, index / 32 % 32, index % 32)
            let x = mirrored ? 31 - column : column
            let (sourceY, sourceX) = (y + dy, x + dx)
            let inside = (0..<32).contains(sourceY) && (0..<32).contains(sourceX)
            let byte = inside ? images.pixels[image * 3072 + channel * 1024 + sourceY * 32 + sourceX] : 0
            return (Float(byte) / 255 - mean[channel]) / deviation[channel]
        }
    }

    @Test("without augmentation images are normalised, in the order asked for")
    func normalised() {
        let loader = ImageLoader(dataset: images, seed: 1)
        let values = fill(loader, [5, 199, 0], nil)
        #expect(values == [5, 199, 0].flatMap { reference($0, dy: 0, dx: 0, mirrored: false) })
        #expect(fill(loader, [5, 199, 0], nil, epoch: 3) == values)
        #expect(fill(loader, [], nil).isEmpty)
        #expect(loader.label(199) == images.labels[199])
    }

    @Test("labels are given in the order asked for")
    func labels() {
        var labels = [UInt8](repeating: 0, count: 3)
        ImageLoader(dataset: images, seed: 1).fillLabels(10..<13, into: &labels)
        #expect(labels == Array(images.labels[10..<13]))
    }

    @Test("with augmentation each image is one of the crops, mirrored or not, and all of them occur")
    func augmented() throws {
        let loader = ImageLoader(dataset: images, seed: 7)
        var seen: (dy: Set<Int>, dx: Set<Int>, mirrored: Int) = ([], [], 0)
        let placements = (-4...4).flatMap { dy in (-4...4).flatMap { dx in [false, true].map { (dy, dx, $0) } } }
        for image in 0..<images.count {
            let values = fill(loader, [image], .usual(for: .cifar10))
            // The middle row identifies the placement; the whole image must then agree.
            let matches = placements.filter { dy, dx, mirrored in
                (0..<32).allSatisfy { column in
                    let x = (mirrored ? 31 - column : column) + dx
                    let byte = (0..<32).contains(x) ? images.pixels[image * 3072 + (16 + dy) * 32 + x] : 0
                    return values[16 * 32 + column] == (Float(byte) / 255 - 0.49139968) / 0.24703233
                }
            }
            let match = matches.first { values == reference(image, dy: $0, dx: $1, mirrored: $2) }
            let (dy, dx, mirrored) = try #require(match, "image \(image) is no crop")
            seen.dy.insert(dy)
            seen.dx.insert(dx)
            seen.mirrored += mirrored ? 1 : 0
        }
        #expect(seen.dy == Set(-4...4) && seen.dx == Set(-4...4))
        #expect((70...130).contains(seen.mirrored))
    }

    @Test("an image's augmentation depends on seed, epoch and its index alone")
    func dependence() {
        let loader = ImageLoader(dataset: images, seed: 7)
        let usual = Augmentation.usual(for: .cifar10)
        let all = fill(loader, 0..<20, usual, epoch: 2)
        let alone = (0..<20).reversed().map { fill(loader, [$0], usual, epoch: 2) }
        #expect(alone.reversed().flatMap { $0 } == all)
        #expect(fill(loader, 0..<20, usual, epoch: 3) != all)
        #expect(fill(ImageLoader(dataset: images, seed: 8), 0..<20, usual, epoch: 2) != all)
    }

    @Test("a crop can move an image wholly out of sight, and a padding of 0 leaves it")
    func extremes() {
        let loader = ImageLoader(dataset: images, seed: 3)
        #expect(
            fill(loader, [1], Augmentation(cropPadding: 0, flips: false)) == reference(1, dy: 0, dx: 0, mirrored: false)
        )
        let black = reference(0, dy: 32, dx: 0, mirrored: false)
        let far = (0..<40).map { fill(loader, [$0], Augmentation(cropPadding: 1000, flips: true)) }
        #expect(far.contains(black))
    }

    @Test("digits are not mirrored, other images are")
    func flips() {
        #expect(
            DatasetKind.allCases.filter { Augmentation.usual(for: $0).flips } == [.fashionMNIST, .cifar10, .cifar100])
    }

    @Test("every kind has normalisation, names and sizes that agree", arguments: DatasetKind.allCases)
    func kinds(kind: DatasetKind) {
        let pixels = [UInt8](repeating: 255, count: kind.channels * 1024)
        let images = ImageDataset(
            kind: kind, channels: kind.channels, size: kind.imageSize, classNames: (0..<kind.classes).map(String.init),
            pixels: pixels, labels: [0])
        let values = fill(ImageLoader(dataset: images, seed: 0), [0], nil)
        let usual = Normalization.usual(for: kind)
        #expect(values.count == kind.channels * 1024)
        #expect(values[0] == (1 - usual.mean[0]) / usual.standardDeviation[0])
        #expect(
            values[values.count - 1] == (1 - usual.mean[kind.channels - 1]) / usual.standardDeviation[kind.channels - 1]
        )
    }
}
