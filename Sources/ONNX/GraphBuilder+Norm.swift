internal import SwiftProtobuf

extension GraphBuilder {
    private static let epsilon: Float = 1e-5

    /// A batch norm. With running statistics it is one node `BatchNormalization`; without them mean and variance are taken
    /// over the images and pixels of a call, by nodes that every runtime has: none but those for training computes
    /// `BatchNormalization` with the statistics of a batch.
    func norm(_ x: Value, named name: String) -> Value {
        if tensors[name + ".running_mean"] != nil {
            inference(x, name)
        } else {
            batch(x, name)
        }
        return x.named(name)
    }

    private func inference(_ x: Value, _ name: String) {
        func vector(_ part: String, _ otherwise: Float) -> String {
            tensors[name + part] == nil
                ? constant(name + part, Array(repeating: otherwise, count: x.channels), shape: [x.channels])
                : weight(name + part)
        }
        node(
            "BatchNormalization",
            [
                x.name, vector(".weight", 1), vector(".bias", 0), weight(name + ".running_mean"),
                weight(name + ".running_var"),
            ], as: name, [Onnx_AttributeProto("epsilon", Self.epsilon)])
    }

    private func batch(_ x: Value, _ name: String) {
        let overImages = [Onnx_AttributeProto("axes", [0, 2, 3]), Onnx_AttributeProto("keepdims", 1)]
        let mean = node("ReduceMean", [x.name], as: name + "/mean", overImages)
        let centred = node("Sub", [x.name, mean], as: name + "/centred")
        let squares = node("Mul", [centred, centred], as: name + "/squares")
        let variance = node("ReduceMean", [squares], as: name + "/variance", overImages)
        let sum = node(
            "Add", [variance, constant("epsilon", [Self.epsilon], shape: [])], as: name + "/variance+epsilon")
        let deviation = node("Sqrt", [sum], as: name + "/deviation")
        guard tensors[name + ".weight"] != nil else {
            node("Div", [centred, deviation], as: name)
            return
        }
        let normalized = node("Div", [centred, deviation], as: name + "/normalized")
        let scaled = node(
            "Mul", [normalized, weight(name + ".weight", shape: [x.channels, 1, 1])], as: name + "/scaled")
        node("Add", [scaled, weight(name + ".bias", shape: [x.channels, 1, 1])], as: name)
    }
}
