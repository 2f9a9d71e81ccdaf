/// The two groups of parameters that DARTS trains in turn.
public enum ParameterGroup: UInt8, Sendable, Codable {
    case weights = 0
    case alphas = 1
}

/// Names, shapes and places of a network's weights in one flat buffer, in the order of the public PyTorch code's
/// `named_parameters()`.
public struct ParameterDirectory: Sendable, Equatable {
    /// What a tensor starts as.
    public enum Initialization: Sendable, Equatable {
        /// Uniform in ± bound.
        case uniform(bound: Float)
        case constant(Float)
    }

    /// One tensor.
    public struct Entry: Sendable, Equatable {
        /// As in the public state dict, for example `cells.0.edges.1<-0.2.op.1.weight`.
        public let name: String
        /// As in PyTorch: convolutions (out, in, height, width), linear (out, in).
        public let shape: [Int]
        /// Its elements in the flat buffer.
        public let range: Range<Int>
        /// How its first values are drawn.
        public let initialization: Initialization
    }

    /// In the order of the flat buffer.
    public private(set) var entries: [Entry] = []

    /// Floats in all.
    public var count: Int { entries.last?.range.upperBound ?? 0 }

    /// With no parameters.
    public init() {}

    /// Appends a tensor and returns its place.
    @discardableResult
    public mutating func append(_ name: String, _ shape: [Int], _ initialization: Initialization) -> Range<Int> {
        let start = count
        let range = start..<(start + shape.reduce(1, *))
        entries.append(Entry(name: name, shape: shape, range: range, initialization: initialization))
        return range
    }

    /// Another directory's tensors behind these.
    func appending(_ other: ParameterDirectory) -> ParameterDirectory {
        var result = self
        for entry in other.entries { result.append(entry.name, entry.shape, entry.initialization) }
        return result
    }
}
