/// The binary version of CIFAR-10 and CIFAR-100: records of one label byte (CIFAR-100: the coarse label, then the fine
/// one) and 3,072 bytes, 1,024 each of red, green and blue, row-major.
struct CIFARReader {
    let kind: DatasetKind
    let folder: String

    private static let imageBytes = 3 * 32 * 32
    private static let recordsAtOnce = 1000

    private var labelBytes: Int { kind == .cifar100 ? 2 : 1 }
    private var recordBytes: Int { labelBytes + Self.imageBytes }
    /// What the official archive unpacks to.
    private var archiveFolder: String { kind == .cifar100 ? "cifar-100-binary" : "cifar-10-batches-bin" }
    private var namesFile: String { kind == .cifar100 ? "fine_label_names.txt" : "batches.meta.txt" }

    private func fileNames(_ split: ImageDataset.Split) -> [String] {
        switch (kind, split) {
        case (.cifar100, .training): ["train.bin"]
        case (.cifar100, .test): ["test.bin"]
        case (_, .training): (1...5).map { "data_batch_\($0).bin" }
        case (_, .test): ["test_batch.bin"]
        }
    }

    func read(split: ImageDataset.Split, limit: Int?) throws(DatasetError) -> ImageDataset {
        let (home, paths) = try files(split)
        var counts: [Int] = []
        for path in paths { counts.append(try recordCount(SourceFile(path: path).size, path: path)) }
        let available = counts.reduce(0, +)
        let wanted = limit ?? available
        guard wanted <= available else { throw .tooFew(folder: home, asked: wanted, found: available) }

        var pixels: [UInt8] = []
        var labels: [UInt8] = []
        pixels.reserveCapacity(wanted * Self.imageBytes)
        labels.reserveCapacity(wanted)
        for (path, count) in zip(paths, counts) where labels.count < wanted {
            try read(path, records: min(count, wanted - labels.count), pixels: &pixels, labels: &labels)
        }
        return ImageDataset(
            kind: kind, channels: 3, size: 32, classNames: try classNames(in: home), pixels: pixels, labels: labels)
    }

    /// The folder that holds the files, and the files' paths in order.
    private func files(_ split: ImageDataset.Split) throws(DatasetError) -> (home: String, paths: [String]) {
        let names = fileNames(split)
        for home in [folder, "\(folder)/\(archiveFolder)"] {
            let paths = names.map { "\(home)/\($0)" }.filter(SourceFile.exists)
            if !paths.isEmpty { return (home, paths) }
        }
        let what =
            names.count == 1
            ? "there is no \(names[0]) there, nor in \(archiveFolder)"
            : "there is none of \(names[0]) ... \(names[names.count - 1]) there, nor in \(archiveFolder)"
        throw .missing(path: folder, what: what, remedy: kind.remedy(folder: folder))
    }

    private func recordCount(_ size: Int, path: String) throws(DatasetError) -> Int {
        guard size > 0, size % recordBytes == 0 else {
            throw .malformed(
                file: path, expected: "a multiple of \(recordBytes) bytes, one record each",
                found: "\(size) bytes; is it truncated, or another version of the data set than the binary one?")
        }
        return size / recordBytes
    }

    private func read(
        _ path: String, records: Int, pixels: inout [UInt8], labels: inout [UInt8]
    ) throws(DatasetError) {
        var file = try SourceFile(path: path)
        var record = 0
        while record < records {
            let count = min(Self.recordsAtOnce, records - record)
            let bytes = try file.read(count * recordBytes)
            guard bytes.count == count * recordBytes else {
                throw .unreadable(file: path, reason: "it became shorter while it was read")
            }
            for start in stride(from: 0, to: bytes.count, by: recordBytes) {
                let label = bytes[start + labelBytes - 1]
                guard label < kind.classes else {
                    throw .malformed(
                        file: path, expected: "labels from 0 to \(kind.classes - 1)",
                        found: "\(label) in record \(record) (counted from 0)")
                }
                labels.append(label)
                pixels.append(contentsOf: bytes[(start + labelBytes)..<(start + recordBytes)])
                record += 1
            }
        }
    }

    /// From the file beside the images, when there is one: a name a line.
    private func classNames(in home: String) throws(DatasetError) -> [String] {
        let path = "\(home)/\(namesFile)"
        guard SourceFile.exists(path) else { return kind.usualClassNames }
        var file = try SourceFile(path: path)
        let bytes = try file.read(1 << 16)
        let names = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init)
        guard names.count == kind.classes else {
            throw .malformed(file: path, expected: "\(kind.classes) names, one a line", found: "\(names.count)")
        }
        return names
    }
}
