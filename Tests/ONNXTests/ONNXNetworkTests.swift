import Supernet
import TestSupport
import Testing

@testable import ONNX

/// A supernet with weights drawn for a seed, and a batch of images.
private struct Sample {
    let shape: SupernetShape
    let supernet: Supernet
    let weights: [Float]
    let images: [Float]
    static let count = 3

    init(
        _ space: SearchSpace, definition: SpaceDefinition? = nil, channels: Int, cells: Int, seed: UInt64
    ) throws {
        shape = SupernetShape(
            space: space.name, definition: definition, channels: channels, cells: cells, classes: 5, inputChannels: 3,
            imageSize: 8)
        supernet = try Supernet(shape: shape, shardImages: Self.count)
        var generator = SplitMix64(seed: seed)
        // Scales and shifts of batch norms begin as 1 and 0: all are changed.
        weights = Supernet.initialWeights(supernet.parameters, seed: seed).map {
            $0 + Float.random(in: -0.2...0.2, using: &generator)
        }
        images = (0..<Self.count * 3 * 64).map { _ in Float.random(in: -2...2, using: &generator) }
        supernet.load(weights: weights)
    }

    var tensors: NetworkTensors { NetworkTensors(supernet.parameters, values: weights) }

    /// Our logits of the network with the genotype's operations alone.
    func logits(_ genotype: Genotype) -> [Float] {
        _ = supernet.evaluate(
            images: images, labels: [UInt8](repeating: 0, count: Self.count),
            choices: genotype.operations.map { $0.map { .single($0) } ?? .leftOut })
        return supernet.logits
    }

    func interpreted(_ network: ONNXNetwork) throws -> GraphInterpreter.Tensor {
        try GraphInterpreter(network.bytes).run(
            .init(shape: [Self.count, 3, 8, 8], values: images.map(Double.init)))
    }

    /// A cell drawn by chance, `none` included where the space has it.
    func genotype(_ generator: inout SplitMix64) -> Genotype {
        let space = supernet.space
        let operations = space.operationsOfEdge.map { operations in
            operations.filter { space.operations[$0] != "noise" }.randomElement(using: &generator) ?? operations[0]
        }
        var kept = space.edges.map { _ in true }
        for node in space.competingEdges {
            for edge in node.shuffled(using: &generator).dropFirst(space.keptInputs ?? 2) { kept[edge] = false }
        }
        return Genotype(space: space, operations: operations, kept: kept)
    }
}

@Suite struct ONNXNetworkTests {
    @Test(
        "the exported network gives our logits, whatever the cell",
        arguments: [(SearchSpace.nasbench201, 8), (.darts, 3), (.s1, 2), (.s3, 2)])
    func logits(space: SearchSpace, count: Int) throws {
        let sample = try Sample(space, channels: 4, cells: space == .nasbench201 ? 1 : 3, seed: 7)
        var generator = SplitMix64(seed: 11)
        for _ in 0..<count {
            let genotype = sample.genotype(&generator)
            let network = try ONNXNetwork(genotype, shape: sample.shape, tensors: sample.tensors, producer: "test")
            let result = try sample.interpreted(network)
            #expect(result.shape == [Sample.count, 5])
            let message = difference(
                "logits of \(genotype)", result.values.map(Float.init), sample.logits(genotype),
                within: Tolerance(absolute: 1e-4))
            #expect(message == nil)
        }
    }

    @Test(
        "a trained network of chosen cells gives its logits, with running statistics",
        arguments: [(SearchSpace.nasbench201, 6), (.darts, 4), (.s1, 2)])
    func trained(space: SearchSpace, count: Int) throws {
        let sample = try Sample(space, channels: 4, cells: space == .nasbench201 ? 1 : 3, seed: 13)
        var generator = SplitMix64(seed: 17)
        var networks = 0
        for _ in 0..<count {
            // Networks do not lack nodes.
            guard
                let network = try? FinalNetwork(
                    sample.genotype(&generator), shape: sample.shape, shardImages: Sample.count)
            else { continue }
            networks += 1
            var weights = Supernet.initialWeights(network.parameters, seed: 19)
            // Norms begin with means and shifts of 0, variances and scales of 1: all are changed.
            for entry in network.parameters.entries {
                guard case .constant = entry.initialization else { continue }
                for i in entry.range { weights[i] += Float.random(in: 0...0.3, using: &generator) }
            }
            network.load(weights: weights)
            _ = network.evaluate(
                images: sample.images, labels: [UInt8](repeating: 0, count: Sample.count), count: Sample.count)
            let exported = try ONNXNetwork(
                network.genotype, shape: sample.shape,
                tensors: NetworkTensors(network.parameters, values: weights), producer: "test")
            let message = difference(
                "logits of \(network.genotype)", try sample.interpreted(exported).values.map(Float.init),
                network.logits,
                within: Tolerance(absolute: 1e-4))
            #expect(message == nil)
            let nodes = try GraphInterpreter(exported.bytes).model.graph.node
            #expect(
                nodes.contains { $0.opType == "BatchNormalization" } && !nodes.contains { $0.opType == "ReduceMean" })
        }
        #expect(networks > 0)
    }

    @Test("an operation on every edge of every kind of cell, one after the other", arguments: 0..<8)
    func operations(operation: Int) throws {
        let sample = try Sample(.darts, channels: 2, cells: 3, seed: 3)
        let genotype = Genotype(
            space: .darts, operations: SearchSpace.darts.edges.map { _ in operation },
            kept: SearchSpace.darts.edges.map { _ in true })
        let network = try ONNXNetwork(genotype, shape: sample.shape, tensors: sample.tensors, producer: "test")
        let message = difference(
            "logits", try sample.interpreted(network).values.map(Float.init), sample.logits(genotype),
            within: Tolerance(absolute: 1e-4))
        #expect(message == nil)
    }

    @Test("a space of its own, with reduction cells in a row and at the end", arguments: [[0], [1, 2], [0, 1, 3]])
    func ownReductions(reductions: [Int]) throws {
        let edges = (0..<2).map {
            SpaceDefinition.Edge(node: 2, source: $0, operations: ["skip_connect", "dil_conv_3x3"])
        }
        let definition = SpaceDefinition(
            name: "own", stemMultiplier: 2, reductions: reductions, keptInputs: nil, normal: edges, reduce: edges)
        let space = try definition.space()
        let sample = try Sample(space, definition: definition, channels: 2, cells: 4, seed: 9)
        var generator = SplitMix64(seed: 4)
        let genotype = sample.genotype(&generator)
        let network = try ONNXNetwork(genotype, shape: sample.shape, tensors: sample.tensors, producer: "test")
        let message = difference(
            "logits", try sample.interpreted(network).values.map(Float.init), sample.logits(genotype),
            within: Tolerance(absolute: 1e-4))
        #expect(message == nil)
        let widest = try #require(sample.supernet.parameters.entries.first { $0.name == "classifier.weight" })
        #expect(widest.shape == [5, 2 << reductions.count])
    }

    @Test("reduction cells that a supernet does not have, or that its images are too small for, are refused")
    func impossibleReductions() throws {
        let edges = (0..<2).map { SpaceDefinition.Edge(node: 2, source: $0, operations: ["skip_connect"]) }
        func supernet(_ reductions: [Int], cells: Int, size: Int) throws {
            let definition = SpaceDefinition(name: "own", reductions: reductions, normal: edges, reduce: edges)
            _ = try Supernet(
                shape: SupernetShape(
                    space: "own", definition: definition, channels: 2, cells: cells, classes: 2, inputChannels: 1,
                    imageSize: size), shardImages: 1)
        }
        try supernet([1, 3], cells: 4, size: 8)
        for (reductions, cells, size, text) in [
            ([1, 3], 3, 8, "cell 3 is a reduction"), ([1, 3], 4, 6, "multiple of 4"),
            ([0, 1, 2], 3, 8, "no normal cell"),
        ] {
            let error = #expect(throws: SupernetError.self) { try supernet(reductions, cells: cells, size: size) }
            #expect(error?.description.contains(text) == true, "\(String(describing: error))")
        }
    }

    @Test(
        "cells of nothing, of identities and of pooling alone, whose outputs other cells share", arguments: [0, 1, 4])
    func uniformCells(operation: Int) throws {
        let sample = try Sample(.nasbench201, channels: 4, cells: 2, seed: 5)
        let genotype = Genotype(
            space: .nasbench201, operations: Array(repeating: operation, count: 6),
            kept: Array(repeating: true, count: 6))
        let network = try ONNXNetwork(genotype, shape: sample.shape, tensors: sample.tensors, producer: "test")
        let message = difference(
            "logits", try sample.interpreted(network).values.map(Float.init), sample.logits(genotype),
            within: Tolerance(absolute: 1e-4))
        #expect(message == nil)
    }

    @Test("the model says what it needs, has each name once, and nothing that its logits do not depend on")
    func structure() throws {
        let sample = try Sample(.nasbench201, channels: 4, cells: 1, seed: 1)
        // Nodes 1 and 2 lead nowhere.
        let genotype = Genotype(
            space: .nasbench201, operations: [3, 2, 3, 1, 0, 0], kept: Array(repeating: true, count: 6))
        let network = try ONNXNetwork(
            genotype, shape: sample.shape, tensors: sample.tensors, producer: "ostr 1", metadata: ["dataset": "mnist"])
        let model = try GraphInterpreter(network.bytes).model
        #expect(model.irVersion == 8)
        #expect(model.opsetImport.map(\.version) == [17] && model.opsetImport[0].domain == "")
        #expect(model.producerName == "ostr 1")
        #expect(model.metadataProps.map(\.key) == ["dataset", "genotype"])
        #expect(model.metadataProps[1].value == genotype.description)
        let graph = model.graph
        let input = graph.input[0].type.tensorType.shape.dim
        #expect(graph.input.map(\.name) == ["images"] && graph.output.map(\.name) == ["logits"])
        #expect(input[0].dimParam == "images" && input[1...].map(\.dimValue) == [3, 8, 8])
        let outputs = graph.node.flatMap(\.output)
        let names = outputs + graph.initializer.map(\.name) + ["images"]
        #expect(Set(names).count == names.count)
        #expect(Set(graph.node.map(\.name)).count == graph.node.count)
        let used = Set(graph.node.flatMap(\.input))
        #expect(Set(names).subtracting(used) == ["logits"])
        #expect(!network.tensorNames.contains { $0.contains(".edges.") })
        #expect(network.tensorNames.contains("stem.0.weight") && network.tensorNames.contains("lastact.0.bias"))
    }

    @Test("with running statistics a batch norm is the operator for inference, with its own or no affine weights")
    func runningStatistics() throws {
        let mean: [Float] = [0.5, -1]
        let variance: [Float] = [4, 0.25]
        var tensors: [String: NetworkTensors.Tensor] = [
            "norm.running_mean": .init(shape: [2], values: mean),
            "norm.running_var": .init(shape: [2], values: variance),
        ]
        let x: [Float] = [1, 2, 3, 4, -1, -2, -3, -4]
        for isAffine in [false, true] {
            if isAffine {
                tensors["norm.weight"] = .init(shape: [2], values: [3, -2])
                tensors["norm.bias"] = .init(shape: [2], values: [0.125, 1])
            }
            let builder = GraphBuilder(
                tensors: NetworkTensors(tensors), input: .init(name: "images", channels: 2, height: 2, width: 2))
            var model = Onnx_ModelProto()
            let output = builder.norm(builder.input, named: "norm")
            model.graph = builder.graph(name: "norm", output: output.name, outputShape: [2, 2, 2])
            #expect(model.graph.node.map(\.opType) == ["BatchNormalization"])
            let result = try GraphInterpreter(model.serializedBytes())
                .run(.init(shape: [1, 2, 2, 2], values: x.map(Double.init)))
            let expected = x.enumerated().map { i, value -> Float in
                let channel = i / 4
                let normalized = (value - mean[channel]) / (variance[channel] + 1e-5).squareRoot()
                return isAffine ? normalized * [3, -2][channel] + [0.125, 1][channel] : normalized
            }
            let message = difference(
                "norm", result.values.map(Float.init), expected, within: Tolerance(absolute: 1e-6))
            #expect(message == nil)
        }
    }

    @Test("noise, which is drawn anew in every pass, is refused by name and edge")
    func noise() throws {
        let sample = try Sample(.s4, channels: 2, cells: 3, seed: 1)
        var operations = SearchSpace.s4.edges.map { _ in 1 }
        operations[3] = 0
        let genotype = Genotype(space: .s4, operations: operations, kept: operations.map { _ in true })
        #expect(throws: ONNXError.operation("noise", edge: "normal.3<-1")) {
            try ONNXNetwork(genotype, shape: sample.shape, tensors: sample.tensors, producer: "test")
        }
    }
}
