import Datasets
import TestSupport
import Testing

@Suite("IDX files")
struct IDXTests {
    private static let imageNames = [
        "train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", "train-images.idx3-ubyte",
        "train-images.idx3-ubyte.gz",
    ]

    /// A folder with sound training images, gzipped, for a test to damage.
    private func soundFolder(_ count: Int = 3) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.write(gzip(idx([count, 28, 28], digits(count))), to: "train-images-idx3-ubyte.gz")
        let labels = (0..<count).map { UInt8($0 % 10) }
        try folder.write(gzip(idx(magic: 0x801, [count], labels)), to: "train-labels-idx1-ubyte.gz")
        return folder
    }

    @Test("images are padded with two zeros on each side, gzipped or not", arguments: imageNames)
    func padding(name: String) throws {
        let folder = try TemporaryFolder()
        let file = idx([2, 28, 28], digits(2))
        try folder.write(name.hasSuffix(".gz") ? gzip(file) : file, to: name)
        try folder.write(idx(magic: 0x801, [2], [9, 4]), to: "train-labels-idx1-ubyte")
        let images = try ImageDataset.load(kind: .fashionMNIST, folder: folder.path)
        #expect(images.labels == [9, 4])
        #expect(images.channels == 1 && images.size == 32 && images.classes == 10)
        #expect(images.classNames[9] == "Ankle boot")
        let pixels = digits(2)
        for index in 0..<images.pixels.count {
            let (image, y, x) = (index / 1024, index / 32 % 32 - 2, index % 32 - 2)
            let inside = (0..<28).contains(y) && (0..<28).contains(x)
            #expect(images.pixels[index] == (inside ? pixels[image * 784 + y * 28 + x] : 0))
        }
    }

    @Test("data that span many reads, and test images, are read whole")
    func large() throws {
        let folder = try TemporaryFolder()
        try folder.write(gzip(idx([2345, 28, 28], digits(2345))), to: "t10k-images-idx3-ubyte.gz")
        try folder.write(
            gzip(idx(magic: 0x801, [2345], [UInt8](repeating: 3, count: 2345))), to: "t10k-labels-idx1-ubyte.gz")
        let images = try ImageDataset.load(kind: .mnist, folder: folder.path, split: .test)
        #expect(images.count == 2345)
        #expect(images.pixels[2344 * 1024 + 66] == digits(2345)[2344 * 784])
        let first = try ImageDataset.load(kind: .mnist, folder: folder.path, split: .test, limit: 1001)
        #expect(first.pixels == Array(images.pixels.prefix(1001 * 1024)))
        #expect(loadingError(.mnist, folder.path, split: .test, limit: 2346)?.contains("there are 2345") == true)
    }

    @Test("a gzip file of several members is one")
    func members() throws {
        let folder = try soundFolder()
        let file = idx([3, 28, 28], digits(3))
        try folder.write(
            gzip(Array(file.prefix(1000))) + gzip(Array(file.dropFirst(1000))), to: "train-images-idx3-ubyte.gz")
        #expect(try ImageDataset.load(kind: .mnist, folder: folder.path).pixels[66] == digits(1)[0])
    }

    @Test("missing files are an error with the command that installs them")
    func missing() throws {
        let folder = try TemporaryFolder()
        #expect(
            loadingError(.fashionMNIST, folder("none"))
                == "\(folder("none")): there is no such folder; install it with `apt-get install dataset-fashion-mnist`, "
                + "which fills /usr/share/datasets/fashion-mnist")
        #expect(
            loadingError(.fashionMNIST, folder.path)?.hasPrefix(
                "\(folder.path): there is no train-images-idx3-ubyte there, gzipped or not; install it with") == true)
        try folder.write(idx([1, 28, 28], digits(1)), to: "train-images-idx3-ubyte")
        #expect(loadingError(.mnist, folder.path)?.contains("there is no train-labels-idx1-ubyte there") == true)
    }

    static let damage: [(file: String, bytes: [UInt8], message: String)] = [
        ("train-images-idx3-ubyte", [], "magic number 0x00000803, found 0 bytes in all"),
        ("train-images-idx3-ubyte", [0, 0, 8], "magic number 0x00000803, found 3 bytes in all"),
        ("train-images-idx3-ubyte", idx([], []), "a header of 16 bytes, found 4"),
        ("train-images-idx3-ubyte", idx(magic: 0x801, [3], [0, 1, 2]), "magic number 0x00000803, found 0x00000801"),
        ("train-images-idx3-ubyte", Array("a text file".utf8), "magic number 0x00000803, found 0x61207465"),
        ("train-images-idx3-ubyte", idx([3, 32, 32], []), "images of 28×28 pixels, found 32×32"),
        ("train-images-idx3-ubyte", idx([4, 28, 28], digits(4)), "train-labels-idx1-ubyte.gz: expected 4 labels"),
        (
            "train-images-idx3-ubyte", idx([3, 28, 28], digits(2)),
            "the 3 images that its header promises, found 2 whole"
        ),
        (
            "train-images-idx3-ubyte", Array(idx([3, 28, 28], digits(3)).dropLast()),
            "found 2 whole ones; is it truncated?"
        ),
        ("train-images-idx3-ubyte", idx([3, 28, 28], digits(3) + [0]), "that its header promises, found more bytes"),
        ("train-images-idx3-ubyte", idx([0xffff_ffff, 28, 28], []), "expected 4294967295 labels"),
        ("train-labels-idx1-ubyte", idx([3, 28, 28], []), "magic number 0x00000801, found 0x00000803"),
        ("train-labels-idx1-ubyte", idx(magic: 0x801, [3], [1, 2]), "the 3 labels that its header promises, found 2"),
        (
            "train-labels-idx1-ubyte", idx(magic: 0x801, [3], [1, 2, 3, 4]),
            "3 labels that its header promises, found more"
        ),
        ("train-labels-idx1-ubyte", idx(magic: 0x801, [3], [1, 10, 2]), "labels from 0 to 9, found 10 for image 1"),
        (
            "train-images-idx3-ubyte.gz", idx([3, 28, 28], digits(3)),
            "expected sound gzip data, found incorrect header check"
        ),
        (
            "train-images-idx3-ubyte.gz", Array(gzip(idx([3, 28, 28], digits(3))).dropLast(20)),
            "expected sound gzip data, found its end before that of the compressed data"
        ),
        ("train-images-idx3-ubyte.gz", [], "expected sound gzip data, found its end"),
        (
            "train-images-idx3-ubyte.gz", flipping(gzip(idx([3, 28, 28], digits(3))), fromEnd: 6),
            "expected sound gzip data, found incorrect data check"
        ),
        (
            "train-images-idx3-ubyte.gz", gzip(idx([3, 28, 28], digits(3))) + [1, 2, 3],
            "expected sound gzip data, found"
        ),
        (
            "train-images-idx3-ubyte.gz", gzip(idx([3, 28, 28], digits(3) + [UInt8](repeating: 0, count: 10_000_000))),
            "that its header promises, found more bytes"
        ),
    ]

    private static func flipping(_ bytes: [UInt8], fromEnd offset: Int) -> [UInt8] {
        var bytes = bytes
        bytes[bytes.count - offset] ^= 0xff
        return bytes
    }

    @Test("a damaged, truncated or foreign file is an error that names it", arguments: damage.indices)
    func damaged(index: Int) throws {
        let (file, bytes, message) = Self.damage[index]
        let folder = try soundFolder()
        try folder.write(bytes, to: file)
        let text = loadingError(.fashionMNIST, folder.path) ?? "no error"
        #expect(text.hasPrefix(folder.path) && text.contains(message))
    }

    @Test("a promise of billions of images takes no memory for them")
    func promise() throws {
        let folder = try TemporaryFolder()
        try folder.write(idx([0xffff_ffff, 28, 28], digits(1)), to: "train-images-idx3-ubyte")
        try folder.write(gzip(idx(magic: 0x801, [0xffff_ffff], [1])), to: "train-labels-idx1-ubyte.gz")
        #expect(
            loadingError(.mnist, folder.path)?.contains(
                "the 4294967295 labels that its header promises, found 1; is it truncated?") == true)
    }
}
