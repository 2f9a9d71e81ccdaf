internal import SwiftProtobuf

extension GraphBuilder {
    /// How a window moves over a plane.
    struct Window {
        var kernel: Int
        var stride = 1
        var padding = 0
        var dilation = 1

        func outputs(_ size: Int) -> Int { (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1 }

        fileprivate var attributes: [Onnx_AttributeProto] {
            [
                Onnx_AttributeProto("kernel_shape", [kernel, kernel]),
                Onnx_AttributeProto("strides", [stride, stride]),
                Onnx_AttributeProto("pads", [padding, padding, padding, padding]),
            ] + (dilation > 1 ? [Onnx_AttributeProto("dilations", [dilation, dilation])] : [])
        }
    }

    /// A convolution without bias, with the weights `name`.weight.
    ///
    /// - Parameter groups: 1, or as many as channels.
    func convolution(
        _ x: Value, named name: String, stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1
    ) -> Value {
        let shape = tensors.required(name + ".weight").shape
        precondition(shape.count == 4 && shape[1] * groups == x.channels, "\(name) has other channels than its input")
        let window = Window(kernel: shape[2], stride: stride, padding: padding, dilation: dilation)
        node(
            "Conv", [x.name, weight(name + ".weight")], as: name,
            window.attributes + (groups > 1 ? [Onnx_AttributeProto("group", groups)] : []))
        return Value(
            name: name, channels: shape[0], height: window.outputs(x.height), width: window.outputs(x.width))
    }

    /// max(x, 0).
    func rectifier(_ x: Value) -> Value {
        x.named(node("Relu", [x.name], as: x.name + "/relu"))
    }

    /// Means of windows; what is outside of a plane does not count.
    func averagePool(_ x: Value, _ window: Window) -> Value {
        pool("AveragePool", x, window, [Onnx_AttributeProto("count_include_pad", 0)])
    }

    func maximumPool(_ x: Value, _ window: Window) -> Value { pool("MaxPool", x, window, []) }

    private func pool(_ type: String, _ x: Value, _ window: Window, _ attributes: [Onnx_AttributeProto]) -> Value {
        // A value may be pooled with several windows.
        let output = node(
            type, [x.name], as: "\(x.name)/\(type)\(window.kernel)by\(window.stride)", window.attributes + attributes)
        return Value(
            name: output, channels: x.channels, height: window.outputs(x.height), width: window.outputs(x.width))
    }

    /// The plane without its first row and column.
    func withoutFirstPixels(_ x: Value) -> Value {
        let output = node(
            "Slice",
            [
                x.name, constant("shift", integers: [1, 1]), constant("planes' end", integers: [Int.max, Int.max]),
                constant("planes' axes", integers: [2, 3]),
            ], as: x.name + "/shifted")
        return Value(name: output, channels: x.channels, height: x.height - 1, width: x.width - 1)
    }

    /// The sum of values of one shape, at least one.
    func sum(_ terms: [Value], named name: String) -> Value {
        if terms.count == 1 { return terms[0] }
        return terms[0].named(node("Sum", terms.map(\.name), as: name))
    }

    /// The same of what leads to a node of a cell: zeros of its shape if nothing does.
    func sum(_ terms: [Value], named name: String, channels: Int, height: Int, width: Int) -> Value {
        terms.isEmpty
            ? zeros(named: name, channels: channels, height: height, width: width) : sum(terms, named: name)
    }

    /// `ReLUConvBN`: a rectifier, the convolution `name`.op.1 and the batch norm `name`.op.2.
    func rectifiedConvolution(_ x: Value, named name: String, stride: Int = 1, padding: Int = 0) -> Value {
        norm(
            convolution(rectifier(x), named: name + ".op.1", stride: stride, padding: padding), named: name + ".op.2")
    }

    /// Along the channels.
    func concatenation(_ parts: [Value], named name: String) -> Value {
        Value(
            name: node("Concat", parts.map(\.name), as: name, [Onnx_AttributeProto("axis", 1)]),
            channels: parts.reduce(0) { $0 + $1.channels }, height: parts[0].height, width: parts[0].width)
    }

    /// Zeros, for as many images as come in.
    private func zeros(named name: String, channels: Int, height: Int, width: Int) -> Value {
        let images = node(
            "Shape", [input.name], as: "images/count",
            [Onnx_AttributeProto("start", 0), Onnx_AttributeProto("end", 1)])
        let shape = node(
            "Concat", [images, constant("\(name)/planes", integers: [channels, height, width])], as: "\(name)/shape",
            [Onnx_AttributeProto("axis", 0)])
        return Value(
            name: node("ConstantOfShape", [shape], as: name), channels: channels, height: height, width: width)
    }

    /// Global average pooling and the linear layer `name`: the last values of the graph, (images, classes).
    func classifier(_ x: Value, named name: String, as output: String) {
        node("GlobalAveragePool", [x.name], as: name + "/pool")
        node("Flatten", [name + "/pool"], as: name + "/features", [Onnx_AttributeProto("axis", 1)])
        node(
            "Gemm", [name + "/features", weight(name + ".weight"), weight(name + ".bias")], as: output,
            [Onnx_AttributeProto("transB", 1)])
    }
}

extension GraphBuilder.Value {
    /// Of the same shape.
    func named(_ name: String) -> Self { Self(name: name, channels: channels, height: height, width: width) }
}
