import Supernet

/// The numbers of a network by the names of the public PyTorch code.
///
/// A batch norm `name` without `name.running_mean` and `name.running_var` uses the statistics of a call's images, one with
/// them uses these; `name.weight` and `name.bias` are there if it is affine.
public struct NetworkTensors: Sendable {
    /// One tensor, row-major; convolutions are (out, in, height, width), linear layers (out, in).
    public struct Tensor: Sendable, Equatable {
        /// Elements along each dimension, the slowest first.
        public let shape: [Int]
        /// As many as the shape says.
        public let values: [Float]

        /// - Precondition: as many values as the shape says.
        public init(shape: [Int], values: [Float]) {
            precondition(shape.reduce(1, *) == values.count, "values do not fit the shape")
            self.shape = shape
            self.values = values
        }
    }

    private var tensors: [String: Tensor]

    /// By name.
    public init(_ tensors: [String: Tensor]) { self.tensors = tensors }

    /// The weights of a supernet, or those and the running statistics of a trained network.
    ///
    /// - Parameter values: in the order of the directory.
    public init(_ directory: ParameterDirectory, values: [Float]) {
        precondition(values.count == directory.count, "weights of another network")
        tensors = [:]
        for entry in directory.entries {
            tensors[entry.name] = Tensor(shape: entry.shape, values: Array(values[entry.range]))
        }
    }

    /// nil where there is none of that name.
    public subscript(_ name: String) -> Tensor? { tensors[name] }

    /// Whether they are a trained network's of chosen cells, whose norms keep running statistics, rather than a supernet's.
    var areFinal: Bool { self["stem.1.running_mean"] != nil }

    /// - Precondition: there is one.
    func required(_ name: String) -> Tensor {
        guard let tensor = tensors[name] else { preconditionFailure("a network without \(name)") }
        return tensor
    }
}
