internal import SwiftProtobuf
import Supernet

/// Why a network has no ONNX form.
public enum ONNXError: Error, Sendable, Equatable, CustomStringConvertible {
    /// An operation that is drawn by chance in every pass.
    case operation(String, edge: String)

    public var description: String {
        switch self {
        case .operation(let name, let edge):
            "the cell has the operation `\(name)` on edge \(edge), which draws new numbers in every pass and has no ONNX form"
        }
    }
}

/// A network of chosen cells as an ONNX model.
///
/// The input `images` is (images, channels, size, size), normalised as in training; the output `logits` (images, classes). The
/// number of images is open.
public struct ONNXNetwork: Sendable {
    /// The operators' version; ONNX 1.12 and newer have it.
    public static let opset = 17
    /// The file format's version that belongs to it.
    static let formatVersion = 8

    /// The file.
    public let bytes: [UInt8]
    /// The network's tensors that its logits depend on, in the order of their use.
    public let tensorNames: [String]

    /// The network of a supernet's skeleton in which every edge has the genotype's operation alone, with weight 1; or a
    /// trained network of the genotype's cells.
    ///
    /// - Parameters:
    ///   - shape: of the skeleton, which is of the genotype's space.
    ///   - tensors: weights under the supernet's names, or `FinalNetwork`'s.
    ///   - metadata: texts that go into the file, beside the genotype.
    /// - Throws: `ONNXError` for a cell with noise.
    public init(
        _ genotype: Genotype, shape: SupernetShape, tensors: NetworkTensors, producer: String,
        metadata: [String: String] = [:]
    ) throws(ONNXError) {
        for (edge, operation) in zip(genotype.space.edges, genotype.operations) {
            if let operation, genotype.space.operations[operation] == "noise" {
                throw .operation("noise", edge: edge.name)
            }
        }
        let builder = GraphBuilder(
            tensors: tensors,
            input: .init(
                name: "images", channels: shape.inputChannels, height: shape.imageSize, width: shape.imageSize))
        switch genotype.space.skeleton {
        case .nasbench201:
            NASBench201Graph(builder: builder, genotype: genotype, cells: shape.cells).build(output: "logits")
        case .darts:
            DARTSGraph(builder: builder, genotype: genotype, cells: shape.cells).build(output: "logits")
        }
        let graph = builder.graph(name: genotype.space.name, output: "logits", outputShape: [shape.classes])
        tensorNames = graph.initializer.map(\.name).filter { tensors[$0] != nil }
        bytes = Self.model(
            graph, producer: producer,
            metadata: metadata.merging(["genotype": genotype.description]) { given, _ in given })
    }

    private static func model(_ graph: Onnx_GraphProto, producer: String, metadata: [String: String]) -> [UInt8] {
        var model = Onnx_ModelProto()
        model.irVersion = Int64(formatVersion)
        model.producerName = producer
        var opset = Onnx_OperatorSetIdProto()
        opset.version = Int64(Self.opset)
        model.opsetImport = [opset]
        model.graph = graph
        model.metadataProps = metadata.sorted { $0.key < $1.key }.map { key, value in
            var entry = Onnx_StringStringEntryProto()
            entry.key = key
            entry.value = value
            return entry
        }
        guard let bytes: [UInt8] = try? model.serializedBytes() else {
            preconditionFailure("the model has all fields that are required")
        }
        return bytes
    }
}
