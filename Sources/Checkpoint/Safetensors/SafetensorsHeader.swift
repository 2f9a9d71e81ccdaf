/// A file's header: where each tensor is in the bytes behind it, and the texts.
struct SafetensorsHeader {
    struct Entry {
        var type: SafetensorsFile.ElementType
        var shape: [Int]
        /// Counted from the end of the header.
        var range: Range<Int>
    }

    /// The reference implementation's limit.
    static let largestLength = 100_000_000

    private(set) var entries: [String: Entry] = [:]
    private(set) var metadata: [String: String] = [:]

    /// - Parameter dataCount: bytes in the file behind the header.
    init(parsing bytes: ArraySlice<UInt8>, dataCount: Int, file: String) throws(CheckpointError) {
        var scanner = HeaderScanner(bytes, file: file)
        var entries: [String: Entry] = [:]
        var metadata: [String: String]?
        try scanner.object { (name, scanner) throws(CheckpointError) in
            if name == "__metadata__" {
                let texts = try Self.metadata(&scanner, file: file)
                if metadata != nil { throw Self.duplicate("__metadata__", file: file) }
                metadata = texts
            } else {
                let entry = try Self.entry(name, &scanner, file: file)
                if entries.updateValue(entry, forKey: name) != nil { throw Self.duplicate(name, file: file) }
            }
        }
        try scanner.end()
        self.entries = entries
        self.metadata = metadata ?? [:]
        try checkPlaces(dataCount: dataCount, file: file)
    }

    private static func metadata(
        _ scanner: inout HeaderScanner, file: String
    ) throws(CheckpointError) -> [String: String] {
        var texts: [String: String] = [:]
        try scanner.object { (key, scanner) throws(CheckpointError) in
            if texts.updateValue(try scanner.string(), forKey: key) != nil {
                throw Self.duplicate("__metadata__.\(key)", file: file)
            }
        }
        return texts
    }

    private static func entry(
        _ name: String, _ scanner: inout HeaderScanner, file: String
    ) throws(CheckpointError) -> Entry {
        var type: String?
        var shape: [Int]?
        var offsets: [Int]?
        try scanner.object { (key, scanner) throws(CheckpointError) in
            let isNew: Bool
            switch key {
            case "dtype": (isNew, type) = (type == nil, try scanner.string())
            case "shape": (isNew, shape) = (shape == nil, try scanner.numbers())
            case "data_offsets": (isNew, offsets) = (offsets == nil, try scanner.numbers())
            default:
                throw .malformed(
                    file: file, tensor: name, expected: "dtype, shape and data_offsets", found: "`\(key)`")
            }
            if !isNew { throw duplicate("\(name).\(key)", file: file) }
        }
        guard let type, let shape, let offsets else {
            let missing = type == nil ? "dtype" : shape == nil ? "shape" : "data_offsets"
            throw .malformed(file: file, tensor: name, expected: missing, found: "none")
        }
        guard let elementType = SafetensorsFile.ElementType(rawValue: type) else {
            let known = SafetensorsFile.ElementType.allCases.map(\.rawValue).joined(separator: ", ")
            throw .malformed(file: file, tensor: name, expected: "a dtype of \(known)", found: type)
        }
        guard offsets.count == 2, offsets[0] <= offsets[1] else {
            throw .malformed(file: file, tensor: name, expected: "data_offsets [begin, end]", found: "\(offsets)")
        }
        let range = offsets[0]..<offsets[1]
        var size = elementType.size
        for dimension in shape {
            let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
            if overflow { throw .malformed(file: file, tensor: name, expected: "a possible shape", found: "\(shape)") }
            size = product
        }
        guard size == range.count else {
            throw .malformed(
                file: file, tensor: name, expected: "\(size) bytes for \(type) of shape \(shape)",
                found: "\(range.count) (data_offsets \(offsets))")
        }
        return Entry(type: elementType, shape: shape, range: range)
    }

    /// Tensors must cover the bytes behind the header exactly: no hole, no overlap, nothing left.
    private func checkPlaces(dataCount: Int, file: String) throws(CheckpointError) {
        let ordered = entries.sorted {
            ($0.value.range.lowerBound, $0.value.range.upperBound, $0.key)
                < ($1.value.range.lowerBound, $1.value.range.upperBound, $1.key)
        }
        var end = 0
        for (name, entry) in ordered {
            guard entry.range.lowerBound == end else {
                let kind = entry.range.lowerBound < end ? "an overlap" : "a hole"
                throw .malformed(
                    file: file, tensor: name, expected: "its bytes to begin at \(end), where the tensor before it ends",
                    found: "\(kind): they begin at \(entry.range.lowerBound)")
            }
            guard entry.range.upperBound <= dataCount else {
                throw .malformed(
                    file: file, tensor: name, expected: "its bytes to end within the \(dataCount) behind the header",
                    found: "an end at \(entry.range.upperBound); is the file truncated?")
            }
            end = entry.range.upperBound
        }
        guard end == dataCount else {
            throw .malformed(
                file: file, tensor: nil, expected: "\(end) bytes behind the header", found: "\(dataCount)")
        }
    }

    private static func duplicate(_ key: String, file: String) -> CheckpointError {
        .malformed(file: file, tensor: nil, expected: "every key once", found: "`\(key)` twice")
    }
}
