import SwiftProtobuf

@testable import ONNX

/// Computes an ONNX model with the operators that ours have, one element after the other, as the operators' definitions say
/// (github.com/onnx/onnx, docs/Operators.md). Faults of the model are thrown.
struct GraphInterpreter {
    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    struct Tensor {
        var shape: [Int]
        var values: [Double]
    }

    let model: Onnx_ModelProto

    init(_ bytes: [UInt8]) throws { model = try Onnx_ModelProto(serializedBytes: bytes) }

    /// The only output, for the only input.
    func run(_ input: Tensor) throws -> Tensor {
        let graph = model.graph
        var tensors: [String: Tensor] = [:]
        func define(_ name: String, _ tensor: Tensor) throws {
            guard tensors.updateValue(tensor, forKey: name) == nil else {
                throw Fault(description: "\(name) is there twice")
            }
        }
        for constant in graph.initializer { try define(constant.name, Self.tensor(constant)) }
        try define(graph.input[0].name, input)
        for node in graph.node {
            let inputs = try node.input.map { name in
                guard let tensor = tensors[name] else {
                    throw Fault(description: "\(node.name) comes before its input \(name)")
                }
                return tensor
            }
            try define(node.output[0], try Operator(node: node, inputs: inputs).result())
        }
        guard let output = tensors[graph.output[0].name] else { throw Fault(description: "no output") }
        return output
    }

    private static func tensor(_ constant: Onnx_TensorProto) throws -> Tensor {
        let shape = constant.dims.map(Int.init)
        let values: [Double]
        switch Onnx_TensorProto.DataType(rawValue: Int(constant.dataType)) {
        case .float:
            values = constant.rawData.withUnsafeBytes { bytes in
                (0..<bytes.count / 4).map {
                    let bits = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self))
                    return Double(Float(bitPattern: bits))
                }
            }
        case .int64: values = constant.int64Data.map(Double.init)
        default: throw Fault(description: "\(constant.name) is of type \(constant.dataType)")
        }
        guard values.count == shape.reduce(1, *) else {
            throw Fault(description: "\(constant.name) does not fit its shape")
        }
        return Tensor(shape: shape, values: values)
    }
}

/// One node with its inputs' values.
private struct Operator {
    typealias Tensor = GraphInterpreter.Tensor

    let node: Onnx_NodeProto
    let inputs: [Tensor]

    func result() throws -> Tensor {
        let x = inputs.first ?? Tensor(shape: [], values: [])
        switch node.opType {
        case "Conv": return try convolution()
        case "Relu": return Tensor(shape: x.shape, values: x.values.map { max($0, 0) })
        case "Sqrt": return Tensor(shape: x.shape, values: x.values.map { $0.squareRoot() })
        case "Add": return try broadcast(+)
        case "Sub": return try broadcast(-)
        case "Mul": return try broadcast(*)
        case "Div": return try broadcast(/)
        case "Sum":
            return try inputs.dropFirst().reduce(x) { sum, term in
                guard sum.shape == term.shape else { throw fault("shapes \(sum.shape) and \(term.shape)") }
                return Tensor(shape: sum.shape, values: zip(sum.values, term.values).map(+))
            }
        case "ReduceMean": return try mean()
        case "BatchNormalization": return try norm()
        case "AveragePool":
            guard integer("count_include_pad") == 0 else { throw fault("pads are counted") }
            return try pool { $0.reduce(0, +) / Double($0.count) }
        case "MaxPool": return try pool { $0.max() ?? -.infinity }
        case "GlobalAveragePool":
            let plane = x.shape[2] * x.shape[3]
            return Tensor(
                shape: [x.shape[0], x.shape[1], 1, 1],
                values: (0..<x.values.count / plane).map { i in
                    x.values[(i * plane)..<((i + 1) * plane)].reduce(0, +) / Double(plane)
                })
        case "Flatten": return Tensor(shape: [x.shape[0], x.shape[1...].reduce(1, *)], values: x.values)
        case "Gemm": return try gemm()
        case "Slice": return try slice()
        case "Concat": return try concatenation()
        case "Shape":
            let (start, end) = (integer("start") ?? 0, integer("end") ?? x.shape.count)
            return Tensor(shape: [end - start], values: x.shape[start..<end].map(Double.init))
        case "ConstantOfShape":
            let shape = x.values.map { Int($0) }
            return Tensor(shape: shape, values: Array(repeating: 0, count: shape.reduce(1, *)))
        default: throw fault("no such operator")
        }
    }

    private func fault(_ text: String) -> GraphInterpreter.Fault {
        .init(description: "\(node.opType) \(node.name): \(text)")
    }

    private func integer(_ name: String) -> Int? { node.attribute.first { $0.name == name }.map { Int($0.i) } }

    private func integers(_ name: String) -> [Int]? {
        node.attribute.first { $0.name == name }.map { $0.ints.map(Int.init) }
    }

    /// Where a window's pixels are: row by row of outputs, the places inside of the plane with their number in the window.
    private func windows(_ size: Int, _ axis: Int) throws -> [[(place: Int, tap: Int)]] {
        guard let kernel = integers("kernel_shape"), let strides = integers("strides"), let pads = integers("pads")
        else { throw fault("no window") }
        let dilation = integers("dilations")?[axis] ?? 1
        let reach = dilation * (kernel[axis] - 1) + 1
        let count = (size + pads[axis] + pads[axis + 2] - reach) / strides[axis] + 1
        return (0..<count).map { output in
            (0..<kernel[axis]).compactMap { tap in
                let place = output * strides[axis] - pads[axis] + tap * dilation
                return (0..<size).contains(place) ? (place, tap) : nil
            }
        }
    }

    private func convolution() throws -> Tensor {
        let (x, w) = (inputs[0], inputs[1])
        let groups = integer("group") ?? 1
        let (outputs, perGroup, kernel) = (w.shape[0], w.shape[1], w.shape[2])
        guard x.shape[1] == perGroup * groups, outputs % groups == 0, integers("kernel_shape") == [kernel, w.shape[3]]
        else { throw fault("shapes \(x.shape) and \(w.shape)") }
        let (rows, columns) = (try windows(x.shape[2], 0), try windows(x.shape[3], 1))
        var values: [Double] = []
        for image in 0..<x.shape[0] {
            for output in 0..<outputs {
                let first = output / (outputs / groups) * perGroup
                for row in rows {
                    for column in columns {
                        var sum = 0.0
                        for channel in 0..<perGroup {
                            let plane = (image * x.shape[1] + first + channel) * x.shape[2]
                            let taps = (output * perGroup + channel) * kernel
                            for (y, i) in row {
                                for (z, j) in column {
                                    sum +=
                                        x.values[(plane + y) * x.shape[3] + z] * w.values[(taps + i) * w.shape[3] + j]
                                }
                            }
                        }
                        values.append(sum)
                    }
                }
            }
        }
        return Tensor(shape: [x.shape[0], outputs, rows.count, columns.count], values: values)
    }

    private func pool(_ combine: ([Double]) -> Double) throws -> Tensor {
        let x = inputs[0]
        let (rows, columns) = (try windows(x.shape[2], 0), try windows(x.shape[3], 1))
        var values: [Double] = []
        for plane in 0..<x.shape[0] * x.shape[1] {
            for row in rows {
                for column in columns {
                    values.append(
                        combine(
                            row.flatMap { y, _ in
                                column.map { z, _ in x.values[(plane * x.shape[2] + y) * x.shape[3] + z] }
                            }))
                }
            }
        }
        return Tensor(shape: [x.shape[0], x.shape[1], rows.count, columns.count], values: values)
    }

    private func mean() throws -> Tensor {
        let x = inputs[0]
        guard integers("axes") == [0, 2, 3], integer("keepdims") == 1 else { throw fault("other axes") }
        let plane = x.shape[2] * x.shape[3]
        var sums = [Double](repeating: 0, count: x.shape[1])
        for (i, value) in x.values.enumerated() { sums[i / plane % x.shape[1]] += value }
        return Tensor(shape: [1, x.shape[1], 1, 1], values: sums.map { $0 / Double(x.shape[0] * plane) })
    }

    private func norm() throws -> Tensor {
        let x = inputs[0]
        guard inputs.count == 5, inputs[1...].allSatisfy({ $0.shape == [x.shape[1]] }),
            let epsilon = node.attribute.first(where: { $0.name == "epsilon" })?.f
        else { throw fault("shapes") }
        let plane = x.shape[2] * x.shape[3]
        let values = x.values.enumerated().map { i, value in
            let channel = i / plane % x.shape[1]
            let normalized =
                (value - inputs[3].values[channel])
                / (inputs[4].values[channel] + Double(epsilon)).squareRoot()
            return normalized * inputs[1].values[channel] + inputs[2].values[channel]
        }
        return Tensor(shape: x.shape, values: values)
    }

    /// A binary operator; dimensions are aligned at the end, and those of 1 are repeated.
    private func broadcast(_ combine: (Double, Double) -> Double) throws -> Tensor {
        let (a, b) = (inputs[0], inputs[1])
        let small = Array(repeating: 1, count: a.shape.count - b.shape.count) + b.shape
        guard zip(a.shape, small).allSatisfy({ $1 == 1 || $0 == $1 }) else {
            throw fault("shapes \(a.shape) and \(b.shape)")
        }
        var values: [Double] = []
        for i in a.values.indices {
            var (rest, place, step) = (i, 0, 1)
            for (size, other) in zip(a.shape, small).reversed() {
                if other > 1 {
                    place += rest % size * step
                    step *= other
                }
                rest /= size
            }
            values.append(combine(a.values[i], b.values[place]))
        }
        return Tensor(shape: a.shape, values: values)
    }

    private func gemm() throws -> Tensor {
        let (x, w, bias) = (inputs[0], inputs[1], inputs[2])
        guard integer("transB") == 1, x.shape[1] == w.shape[1], bias.shape == [w.shape[0]] else {
            throw fault("shapes")
        }
        var values: [Double] = []
        for image in 0..<x.shape[0] {
            for output in 0..<w.shape[0] {
                values.append(
                    (0..<w.shape[1]).reduce(bias.values[output]) {
                        $0 + x.values[image * w.shape[1] + $1] * w.values[output * w.shape[1] + $1]
                    })
            }
        }
        return Tensor(shape: [x.shape[0], w.shape[0]], values: values)
    }

    private func slice() throws -> Tensor {
        let x = inputs[0]
        guard inputs[1].values == [1, 1], inputs[3].values == [2, 3], inputs[2].values.allSatisfy({ $0 > 1e18 }) else {
            throw fault("other slices")
        }
        var values: [Double] = []
        for plane in 0..<x.shape[0] * x.shape[1] {
            for row in 1..<x.shape[2] {
                for column in 1..<x.shape[3] {
                    values.append(x.values[(plane * x.shape[2] + row) * x.shape[3] + column])
                }
            }
        }
        return Tensor(shape: [x.shape[0], x.shape[1], x.shape[2] - 1, x.shape[3] - 1], values: values)
    }

    private func concatenation() throws -> Tensor {
        let axis = integer("axis") ?? 0
        var shape = inputs[0].shape
        shape[axis] = inputs.reduce(0) { $0 + $1.shape[axis] }
        for input in inputs
        where input.shape[..<axis] != shape[..<axis] || input.shape[(axis + 1)...] != shape[(axis + 1)...] {
            throw fault("shapes \(inputs.map(\.shape))")
        }
        var values: [Double] = []
        for outer in 0..<shape[..<axis].reduce(1, *) {
            for input in inputs {
                let count = input.shape[axis...].reduce(1, *)
                values += input.values[(outer * count)..<((outer + 1) * count)]
            }
        }
        return Tensor(shape: shape, values: values)
    }
}
