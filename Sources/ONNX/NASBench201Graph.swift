import Supernet

/// The macro skeleton of NAS-Bench-201 around chosen cells.
struct NASBench201Graph {
    let builder: GraphBuilder
    let genotype: Genotype
    /// Cells of a stage.
    let cells: Int

    func build(output: String) {
        let stem = builder.convolution(builder.input, named: "stem.0", padding: 1)
        var x = builder.norm(stem, named: "stem.1")
        var index = 0
        for stage in 0..<3 {
            if stage > 0 {
                x = reduction(x, prefix: "cells.\(index)")
                index += 1
            }
            for _ in 0..<cells {
                x = cell(x, prefix: "cells.\(index)")
                index += 1
            }
        }
        let last = builder.rectifier(builder.norm(x, named: "lastact.0"))
        builder.classifier(last, named: "classifier", as: output)
    }

    /// Twice the channels, half the size.
    private func reduction(_ x: GraphBuilder.Value, prefix: String) -> GraphBuilder.Value {
        let first = builder.rectifiedConvolution(x, named: "\(prefix).conv_a", stride: 2, padding: 1)
        let main = builder.rectifiedConvolution(first, named: "\(prefix).conv_b", padding: 1)
        let pooled = builder.averagePool(x, .init(kernel: 2, stride: 2))
        let shortcut = builder.convolution(pooled, named: "\(prefix).downsample.1")
        return builder.sum([main, shortcut], named: "\(prefix)/sum")
    }

    private func cell(_ x: GraphBuilder.Value, prefix: String) -> GraphBuilder.Value {
        var nodes = [x]
        for node in 1..<4 {
            let terms = genotype.space.edges.indices.compactMap { row -> GraphBuilder.Value? in
                let edge = genotype.space.edges[row]
                guard edge.node == node, let operation = genotype.operations[row] else { return nil }
                return self.operation(
                    operation, nodes[edge.source],
                    prefix: builder.tensors.areFinal
                        ? "\(prefix).layers.\(row)" : "\(prefix).edges.\(edge.name).\(operation)")
            }
            nodes.append(
                builder.sum(
                    terms, named: "\(prefix)/node\(node)", channels: x.channels, height: x.height, width: x.width))
        }
        return nodes[3]
    }

    /// nil for `none`.
    private func operation(_ operation: Int, _ x: GraphBuilder.Value, prefix: String) -> GraphBuilder.Value? {
        switch genotype.space.operations[operation] {
        case "none": return nil
        case "skip_connect": return x
        case "nor_conv_1x1": return builder.rectifiedConvolution(x, named: prefix)
        case "nor_conv_3x3": return builder.rectifiedConvolution(x, named: prefix, padding: 1)
        case "avg_pool_3x3": return builder.averagePool(x, .init(kernel: 3, padding: 1))
        default: preconditionFailure("the space has no other operation")
        }
    }
}
