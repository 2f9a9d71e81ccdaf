internal import SwiftProtobuf

/// A graph that grows layer by layer, in an order in which it can be computed.
///
/// What is asked for twice under one name is made once. At the end, what the output does not depend on is left out, weights
/// included.
final class GraphBuilder {
    /// A tensor of the graph, (images, channels, height, width); the number of images is open.
    struct Value: Hashable {
        let name: String
        let channels: Int
        let height: Int
        let width: Int
    }

    let tensors: NetworkTensors
    let input: Value
    private var nodes: [Onnx_NodeProto] = []
    /// Places among the nodes, by output.
    private var places: [String: Int] = [:]
    /// In the order in which they were first used.
    private var constants: [Onnx_TensorProto] = []
    private var constantNames: Set<String> = []

    init(tensors: NetworkTensors, input: Value) {
        self.tensors = tensors
        self.input = input
    }

    // MARK: Pieces

    /// Appends a node with one output, unless it is there, and returns the output's name.
    @discardableResult
    func node(
        _ type: String, _ inputs: [String], as output: String, _ attributes: [Onnx_AttributeProto] = []
    ) -> String {
        var node = Onnx_NodeProto()
        node.opType = type
        node.name = output
        node.input = inputs
        node.output = [output]
        node.attribute = attributes
        if let place = places[output] {
            precondition(nodes[place] == node, "two nodes of the name \(output)")
        } else {
            places[output] = nodes.count
            nodes.append(node)
        }
        return output
    }

    /// Floats under a name, taken in the first time.
    func constant(_ name: String, _ values: [Float], shape: [Int]) -> String {
        guard constantNames.insert(name).inserted else { return name }
        var tensor = Onnx_TensorProto()
        tensor.name = name
        tensor.dims = shape.map(Int64.init)
        tensor.dataType = Int32(Onnx_TensorProto.DataType.float.rawValue)
        tensor.rawData.reserveCapacity(4 * values.count)
        for value in values {
            withUnsafeBytes(of: value.bitPattern.littleEndian) { tensor.rawData.append(contentsOf: $0) }
        }
        constants.append(tensor)
        return name
    }

    /// Whole numbers under a name, taken in the first time.
    func constant(_ name: String, integers: [Int]) -> String {
        guard constantNames.insert(name).inserted else { return name }
        var tensor = Onnx_TensorProto()
        tensor.name = name
        tensor.dims = [Int64(integers.count)]
        tensor.dataType = Int32(Onnx_TensorProto.DataType.int64.rawValue)
        tensor.int64Data = integers.map(Int64.init)
        constants.append(tensor)
        return name
    }

    /// One of the network's tensors as a constant, under its public name.
    ///
    /// - Parameter shape: another shape of as many elements; nil for its own.
    func weight(_ name: String, shape: [Int]? = nil) -> String {
        let tensor = tensors.required(name)
        return constant(name, tensor.values, shape: shape ?? tensor.shape)
    }

    // MARK: The whole

    /// What the output depends on.
    func graph(name: String, output: String, outputShape: [Int]) -> Onnx_GraphProto {
        var needed: Set<String> = [output]
        var kept: [Onnx_NodeProto] = []
        for node in nodes.reversed() where needed.contains(node.output[0]) {
            needed.formUnion(node.input)
            kept.append(node)
        }
        var graph = Onnx_GraphProto()
        graph.name = name
        graph.node = kept.reversed()
        graph.initializer = constants.filter { needed.contains($0.name) }
        graph.input = [Self.description(input.name, [input.channels, input.height, input.width])]
        graph.output = [Self.description(output, outputShape)]
        return graph
    }

    /// A tensor of floats: `images` of them, and then the shape given.
    private static func description(_ name: String, _ shape: [Int]) -> Onnx_ValueInfoProto {
        var images = Onnx_TensorShapeProto.Dimension()
        images.dimParam = "images"
        var info = Onnx_ValueInfoProto()
        info.name = name
        info.type.tensorType.elemType = Int32(Onnx_TensorProto.DataType.float.rawValue)
        info.type.tensorType.shape.dim =
            [images]
            + shape.map { size in
                var dimension = Onnx_TensorShapeProto.Dimension()
                dimension.dimValue = Int64(size)
                return dimension
            }
        return info
    }
}

extension Onnx_AttributeProto {
    init(_ name: String, _ value: Int) {
        self.init()
        self.name = name
        type = .int
        i = Int64(value)
    }

    init(_ name: String, _ value: Float) {
        self.init()
        self.name = name
        type = .float
        f = value
    }

    init(_ name: String, _ values: [Int]) {
        self.init()
        self.name = name
        type = .ints
        ints = values.map(Int64.init)
    }
}
