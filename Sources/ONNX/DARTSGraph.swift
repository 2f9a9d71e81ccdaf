import Supernet

/// The macro skeleton of the DARTS space around chosen cells.
struct DARTSGraph {
    let builder: GraphBuilder
    let genotype: Genotype
    /// Cells in all.
    let cells: Int

    private static let inputs = 2

    func build(output: String) {
        let stem = builder.convolution(builder.input, named: "stem.0", padding: 1)
        var previous = builder.norm(stem, named: "stem.1")
        var beforeThat = previous
        let reductions = genotype.space.reductions(cells: cells)
        for index in 0..<cells {
            let x = cell(index, beforeThat, previous, isReduction: reductions.contains(index))
            (beforeThat, previous) = (previous, x)
        }
        builder.classifier(previous, named: "classifier", as: output)
    }

    private func cell(
        _ index: Int, _ far: GraphBuilder.Value, _ near: GraphBuilder.Value, isReduction: Bool
    ) -> GraphBuilder.Value {
        let prefix = "cells.\(index)"
        let type = isReduction ? 1 : 0
        var nodes = [
            far.height == near.height
                ? builder.rectifiedConvolution(far, named: "\(prefix).preprocess0")
                : factorizedReduction(far, prefix: "\(prefix).preprocess0"),
            builder.rectifiedConvolution(near, named: "\(prefix).preprocess1"),
        ]
        let first = genotype.space.cellTypes[..<type].reduce(0) { $0 + $1.edges.count }
        let edges = genotype.space.cellTypes[type].edges
        // A trained network counts the edges that are kept.
        var kept = -1
        for node in genotype.space.cellTypes[type].nodes {
            let terms = edges.enumerated().compactMap { number, edge -> GraphBuilder.Value? in
                guard edge.node == node, let operation = genotype.operations[first + number],
                    let place = genotype.space.operationsOfEdge[first + number].firstIndex(of: operation)
                else { return nil }
                kept += 1
                return self.operation(
                    genotype.space.operations[operation], nodes[edge.source],
                    stride: isReduction && edge.source < Self.inputs ? 2 : 1,
                    // The public code of supernets counts the operations of an edge.
                    prefix: builder.tensors.areFinal
                        ? "\(prefix)._ops.\(kept)" : "\(prefix)._ops.\(number)._ops.\(place)")
            }
            let size = isReduction ? near.height / 2 : near.height
            nodes.append(
                builder.sum(
                    terms, named: "\(prefix)/node\(node)", channels: nodes[1].channels, height: size, width: size))
        }
        return builder.concatenation(Array(nodes.dropFirst(Self.inputs)), named: "\(prefix)/output")
    }

    /// `FactorizedReduce`: half of the channels from even pixels, half from odd ones.
    private func factorizedReduction(_ x: GraphBuilder.Value, prefix: String) -> GraphBuilder.Value {
        let rectified = builder.rectifier(x)
        let halves = [
            builder.convolution(rectified, named: "\(prefix).conv_1", stride: 2),
            builder.convolution(builder.withoutFirstPixels(rectified), named: "\(prefix).conv_2", stride: 2),
        ]
        return builder.norm(builder.concatenation(halves, named: "\(prefix)/halves"), named: "\(prefix).bn")
    }

    /// nil for `none`.
    private func operation(
        _ name: String, _ x: GraphBuilder.Value, stride: Int, prefix: String
    ) -> GraphBuilder.Value? {
        let window = GraphBuilder.Window(kernel: 3, stride: stride, padding: 1)
        /// Behind its pooling a supernet has a batch norm.
        func pooled(_ x: GraphBuilder.Value) -> GraphBuilder.Value {
            builder.tensors.areFinal ? x : builder.norm(x, named: "\(prefix).1")
        }
        switch name {
        case "none": return nil
        case "max_pool_3x3": return pooled(builder.maximumPool(x, window))
        case "avg_pool_3x3": return pooled(builder.averagePool(x, window))
        case "skip_connect": return stride == 1 ? x : factorizedReduction(x, prefix: prefix)
        case "sep_conv_3x3", "sep_conv_5x5":
            let padding = name == "sep_conv_3x3" ? 1 : 2
            let first = stage(x, prefix, at: 1, stride: stride, padding: padding, dilation: 1)
            return stage(first, prefix, at: 5, stride: 1, padding: padding, dilation: 1)
        case "dil_conv_3x3": return stage(x, prefix, at: 1, stride: stride, padding: 2, dilation: 2)
        case "dil_conv_5x5": return stage(x, prefix, at: 1, stride: stride, padding: 4, dilation: 2)
        default: preconditionFailure("`ONNXNetwork` refuses what has no graph: \(name)")
        }
    }

    /// ReLU, a depthwise and a pointwise convolution, batch norm.
    private func stage(
        _ x: GraphBuilder.Value, _ prefix: String, at place: Int, stride: Int, padding: Int, dilation: Int
    ) -> GraphBuilder.Value {
        let depthwise = builder.convolution(
            builder.rectifier(x), named: "\(prefix).op.\(place)", stride: stride, padding: padding, dilation: dilation,
            groups: x.channels)
        return builder.norm(
            builder.convolution(depthwise, named: "\(prefix).op.\(place + 1)"), named: "\(prefix).op.\(place + 2)")
    }
}
