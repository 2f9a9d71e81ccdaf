/// MNIST's format: a magic number, the dimensions (UInt32, big-endian each), and bytes. Images of 28×28 pixels are
/// padded with 2 zeros on each side.
struct IDXReader {
    let kind: DatasetKind
    let folder: String

    private static let side = 28
    private static let padding = 2
    private static let imageMagic = 0x803
    private static let labelMagic = 0x801
    private static let imagesAtOnce = 1000

    func read(split: ImageDataset.Split, limit: Int?) throws(DatasetError) -> ImageDataset {
        let prefix = split == .training ? "train" : "t10k"
        var images = try open("\(prefix)-images", "idx3-ubyte")
        var labels = try open("\(prefix)-labels", "idx1-ubyte")
        let imageShape = try header(&images, magic: Self.imageMagic, dimensions: 3, of: "images")
        let labelShape = try header(&labels, magic: Self.labelMagic, dimensions: 1, of: "labels")
        guard imageShape[1] == Self.side, imageShape[2] == Self.side else {
            throw .malformed(
                file: images.path, expected: "images of \(Self.side)×\(Self.side) pixels",
                found: "\(imageShape[1])×\(imageShape[2])")
        }
        let count = imageShape[0]
        guard labelShape[0] == count else {
            throw .malformed(
                file: labels.path, expected: "\(count) labels, one for each image of \(images.path)",
                found: "\(labelShape[0])")
        }
        guard count > 0 else { throw .malformed(file: images.path, expected: "1 image or more", found: "0") }
        let wanted = limit ?? count
        guard wanted <= count else { throw .tooFew(folder: folder, asked: wanted, found: count) }
        let labelBytes = try self.labels(&labels, count: count)
        let pixels = try self.pixels(&images, count: count, wanted: wanted)
        return ImageDataset(
            kind: kind, channels: 1, size: Self.side + 2 * Self.padding, classNames: kind.usualClassNames,
            pixels: pixels, labels: Array(labelBytes.prefix(wanted)))
    }

    /// The official name with a hyphen or a dot, plain or gzipped: the first that is there.
    private func open(_ stem: String, _ ending: String) throws(DatasetError) -> SourceFile {
        for name in ["\(stem)-\(ending)", "\(stem).\(ending)"] {
            for suffix in ["", ".gz"] where SourceFile.exists("\(folder)/\(name)\(suffix)") {
                return try SourceFile(path: "\(folder)/\(name)\(suffix)", gzipped: suffix == ".gz")
            }
        }
        throw .missing(
            path: folder, what: "there is no \(stem)-\(ending) there, gzipped or not",
            remedy: kind.remedy(folder: folder))
    }

    private func header(
        _ file: inout SourceFile, magic: Int, dimensions: Int, of what: String
    ) throws(DatasetError) -> [Int] {
        let bytes = try file.read(4 * (1 + dimensions))
        let numbers = (0..<bytes.count / 4).map { word in
            bytes[(4 * word)..<(4 * word + 4)].reduce(0) { $0 << 8 | Int($1) }
        }
        guard let first = numbers.first, first == magic else {
            let found = numbers.first.map { "\(Self.hexadecimal($0))" } ?? "\(bytes.count) bytes in all"
            throw .malformed(
                file: file.path, expected: "an IDX file of \(what), magic number \(Self.hexadecimal(magic))",
                found: found)
        }
        guard numbers.count == 1 + dimensions else {
            throw .malformed(
                file: file.path, expected: "a header of \(4 * (1 + dimensions)) bytes", found: "\(bytes.count)")
        }
        return Array(numbers.dropFirst())
    }

    private func labels(_ file: inout SourceFile, count: Int) throws(DatasetError) -> [UInt8] {
        var labels: [UInt8] = []
        while labels.count < count {
            let chunk = try file.read(min(count - labels.count, 1 << 16))
            if chunk.isEmpty { throw cutShort(file.path, promised: "\(count) labels", found: "\(labels.count)") }
            for label in chunk {
                guard label < kind.classes else {
                    throw .malformed(
                        file: file.path, expected: "labels from 0 to \(kind.classes - 1)",
                        found: "\(label) for image \(labels.count) (counted from 0)")
                }
                labels.append(label)
            }
        }
        try checkEnd(&file, promised: "\(count) labels")
        return labels
    }

    /// Padded pixels of the first `wanted` images. The others are read too, so that damage anywhere is noticed.
    private func pixels(_ file: inout SourceFile, count: Int, wanted: Int) throws(DatasetError) -> [UInt8] {
        let imageBytes = Self.side * Self.side
        let border = [UInt8](repeating: 0, count: Self.padding)
        let rows = [UInt8](repeating: 0, count: Self.padding * (Self.side + 2 * Self.padding))
        var pixels: [UInt8] = []
        var image = 0
        while image < count {
            let chunk = try file.read(min(Self.imagesAtOnce, count - image) * imageBytes)
            if chunk.count < imageBytes {
                throw cutShort(file.path, promised: "\(count) images", found: "\(image) whole ones")
            }
            for start in stride(from: 0, through: chunk.count - imageBytes, by: imageBytes) {
                image += 1
                if image > wanted { continue }
                pixels.append(contentsOf: rows)
                for row in stride(from: start, to: start + imageBytes, by: Self.side) {
                    pixels.append(contentsOf: border)
                    pixels.append(contentsOf: chunk[row..<(row + Self.side)])
                    pixels.append(contentsOf: border)
                }
                pixels.append(contentsOf: rows)
            }
        }
        try checkEnd(&file, promised: "\(count) images")
        return pixels
    }

    private func checkEnd(_ file: inout SourceFile, promised: String) throws(DatasetError) {
        if try !file.read(1).isEmpty {
            throw .malformed(file: file.path, expected: "the \(promised) that its header promises", found: "more bytes")
        }
    }

    private func cutShort(_ path: String, promised: String, found: String) -> DatasetError {
        .malformed(
            file: path, expected: "the \(promised) that its header promises", found: "\(found); is it truncated?")
    }

    private static func hexadecimal(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        return "0x" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }
}
