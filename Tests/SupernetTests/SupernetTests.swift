import CAllocations
import Kernels
import Testing

@testable import Supernet

/// A supernet with drawn weights, images and labels.
private struct Sample {
    let net: Supernet
    var weights: [Float]
    var alphas: [Float]
    let images: [Float]
    let labels: [UInt8]

    /// - Parameter convolution: differences of losses need the smaller rounding errors of direct summation.
    init(
        space: String = "nasbench201", channels: Int, cells: Int, inputChannels: Int = 3, images count: Int = 6,
        size: Int = 16, convolution: ConvolutionAlgorithm = .winograd
    ) throws {
        let shape = SupernetShape(
            space: space, channels: channels, cells: cells, classes: 4, inputChannels: inputChannels,
            imageSize: size)
        net = try Supernet(shape: shape, shardImages: count, convolution: convolution)
        weights = Supernet.initialWeights(net.parameters, seed: 11)
        alphas = Supernet.initialAlphas(count: net.edges * net.operations, seed: 11).map { 500 * $0 }
        let draws = Philox(seed: 12, purpose: .synthetic)
        images = (0..<count * inputChannels * size * size).map { draws.normal(at: $0) }
        labels = (0..<count).map { UInt8($0 % 4) }
        load()
    }

    func load() {
        net.load(weights: weights)
        net.load(alphas: alphas)
    }

    func loss() -> Double {
        load()
        return net.evaluate(
            images: images, labels: labels, choices: Array(repeating: .mixed, count: net.edges)
        ).loss / Double(labels.count)
    }
}

@Suite("Supernet")
struct SupernetTests {
    @Test(
        "gradients by weights agree with differences of the loss along random directions",
        arguments: [("nasbench201", 4, 1, 3), ("nasbench201", 9, 1, 1), ("darts", 3, 3, 1), ("s1", 2, 3, 1)])
    func weightsGradient(_ space: String, _ channels: Int, _ cells: Int, _ inputChannels: Int) throws {
        var sample = try Sample(
            space: space, channels: channels, cells: cells, inputChannels: inputChannels, convolution: .direct)
        var gradient = [Float](repeating: .nan, count: sample.net.parameters.count)
        var covered = [Range<Int>]()
        _ = sample.net.gradient(of: .weights, images: sample.images, labels: sample.labels, into: &gradient) {
            covered.append($0)
        }
        // Ranges fall, and together they are the whole gradient.
        #expect(covered.first?.upperBound == gradient.count && covered.last?.lowerBound == 0)
        #expect(zip(covered, covered.dropFirst()).allSatisfy { $0.lowerBound == $1.upperBound })
        let start = sample.weights
        for entry in sample.net.parameters.entries where entry.name.hasSuffix("weight") || entry.name.hasSuffix("bias")
        {
            let draws = Philox(seed: 3, purpose: .synthetic, stream: entry.range.lowerBound)
            let direction = entry.range.map { draws.normal(at: $0) }
            let norm = direction.map { $0 * $0 }.reduce(0, +).squareRoot()
            let size = start[entry.range].map { $0 * $0 }.reduce(0, +).squareRoot()
            let step = 3e-4 * max(size, 0.1) / norm
            func loss(_ sign: Float) -> Double {
                for (i, place) in entry.range.enumerated() {
                    sample.weights[place] = start[place] + sign * step * direction[i]
                }
                defer { sample.weights = start }
                return sample.loss()
            }
            let expected = (loss(1) - loss(-1)) / Double(2 * step)
            let found = zip(entry.range, direction).map { Double(gradient[$0]) * Double($1) }.reduce(0, +)
            let scale = entry.range.map { abs(Double(gradient[$0])) }.max()! * Double(norm) + 1e-4
            #expect(abs(found - expected) < 0.1 * scale, "\(entry.name): \(found) instead of \(expected)")
        }
    }

    @Test(
        "gradients by alphas agree with differences of the loss",
        arguments: [("nasbench201", 8, 1), ("darts", 4, 3), ("s1", 2, 3), ("s4", 3, 3)])
    func alphasGradient(_ space: String, _ channels: Int, _ cells: Int) throws {
        var sample = try Sample(space: space, channels: channels, cells: cells, convolution: .direct)
        let count = sample.net.edges * sample.net.operations
        var gradient = [Float](repeating: .nan, count: count)
        _ = sample.net.gradient(of: .alphas, images: sample.images, labels: sample.labels, into: &gradient) { _ in }
        let largest = gradient.map { abs($0) }.max()!
        for i in stride(from: 0, to: count, by: count > 30 ? 5 : 1) {
            let start = sample.alphas[i]
            sample.alphas[i] = start + 0.002
            let up = sample.loss()
            sample.alphas[i] = start - 0.002
            let down = sample.loss()
            sample.alphas[i] = start
            #expect(abs(Double(gradient[i]) - (up - down) / 0.004) < 0.08 * Double(largest), "alpha \(i)")
        }
    }

    @Test(
        "a supernet gives the same bits after it has computed something else",
        arguments: [("nasbench201", 12, 1), ("darts", 5, 3)])
    func noMemory(_ space: String, _ channels: Int, _ cells: Int) throws {
        let sample = try Sample(space: space, channels: channels, cells: cells)
        let other = try Sample(space: space, channels: channels, cells: cells)
        var gradient = [Float](repeating: 0, count: sample.net.parameters.count)
        var again = gradient
        _ = sample.net.gradient(of: .weights, images: sample.images, labels: sample.labels, into: &gradient) { _ in }
        var choices = [EdgeChoice](repeating: .mixed, count: sample.net.edges)
        for operation in 0..<sample.net.operations {
            choices[operation] = .single(operation)
            _ = other.net.evaluate(images: other.images.reversed(), labels: other.labels, choices: choices)
        }
        var alphas = [Float](repeating: 0, count: sample.net.edges * sample.net.operations)
        _ = other.net.gradient(of: .alphas, images: other.images.reversed(), labels: other.labels, into: &alphas) { _ in
        }
        _ = other.net.gradient(of: .weights, images: other.images, labels: other.labels, into: &again) { _ in }
        #expect(gradient.map(\.bitPattern) == again.map(\.bitPattern))
    }

    @Test(
        "with every edge left out, or decided none, the loss is that of the head alone and finite",
        arguments: [("nasbench201", 8, 2), ("darts", 8, 3)])
    func allNone(_ space: String, _ channels: Int, _ cells: Int) throws {
        let sample = try Sample(space: space, channels: channels, cells: cells)
        let losses = [EdgeChoice.single(0), .leftOut].map { choice in
            sample.net.evaluate(
                images: sample.images, labels: sample.labels,
                choices: Array(repeating: choice, count: sample.net.edges)
            ).loss
        }
        #expect(losses[0].isFinite)
        #expect(losses[0] == losses[1])
    }

    @Test(
        "an operation stands alone at any weight, and may be taken out of a mixture",
        arguments: ["nasbench201", "darts"])
    func weights(_ space: String) throws {
        let sample = try Sample(space: space, channels: 4, cells: space == "darts" ? 3 : 1)
        func loss(_ choice: EdgeChoice) -> Double {
            var choices = [EdgeChoice](repeating: .mixed, count: sample.net.edges)
            choices[1] = choice
            return sample.net.evaluate(images: sample.images, labels: sample.labels, choices: choices).loss
        }
        let operations = sample.net.operations
        #expect(loss(.weighted(1, 1)) == loss(.single(1)))
        #expect(loss(.weighted(1, 0)) == loss(.leftOut))
        #expect(loss(.weighted(1, 0.5)) != loss(.single(1)))
        #expect(loss(.without(0)) == loss(.mixed), "`none` adds nothing")
        #expect(Set((0..<operations).map { loss(.without($0)) }).count == operations, "each other one does")
    }

    @Test("a DARTS space has 28 edges, of which 8 nodes keep 2 each")
    func dartsSpace() {
        let space = SearchSpace.darts
        #expect(space.edges.count == 28)
        #expect(space.edges[0].name == "normal.2<-0")
        #expect(space.edges[27].name == "reduce.5<-4")
        #expect(space.alphaDirectory.entries.map(\.name) == ["alphas.normal", "alphas.reduce"])
        #expect(space.competingEdges.count == 6, "a node with two edges keeps both")
        #expect(space.competingEdges.last == [23, 24, 25, 26, 27])
        #expect(space.candidates.allSatisfy { $0 == Array(1..<8) })
        #expect(SearchSpace.nasbench201.competingEdges.isEmpty)
    }

    @Test("the restricted spaces have two or three operations an edge, each of DARTS' or noise")
    func restrictedSpaces() throws {
        for (space, counts) in [(SearchSpace.s1, 2), (.s2, 2), (.s3, 3), (.s4, 2)] {
            #expect(space.edges == SearchSpace.darts.edges)
            #expect(space.operationsOfEdge.allSatisfy { $0.count == counts })
            #expect(space.candidates.allSatisfy { $0.count == 2 })
        }
        #expect(SearchSpace.s1.operations.count == 6)
        #expect(
            SearchSpace.s1.operationsOfEdge[0].map { SearchSpace.s1.operations[$0] } == [
                "skip_connect", "dil_conv_3x3",
            ])
        #expect(SearchSpace.s4.operations == ["noise", "sep_conv_3x3"])
        // As the public code counts them: an edge's own operations, from 0.
        let shape = SupernetShape(space: "s1", channels: 2, cells: 3, classes: 4, inputChannels: 3, imageSize: 8)
        let names = try Supernet(shape: shape, shardImages: 1).parameters.entries.map(\.name)
        #expect(names.contains("cells.0._ops.0._ops.1.op.1.weight"))
        #expect(names.allSatisfy { !$0.hasPrefix("cells.0._ops.0._ops.2") })
    }

    @Test("noise is a function of seed, half-step, image, edge and pixel, and has part in nothing else")
    func noise() throws {
        let sample = try Sample(space: "s4", channels: 3, cells: 3, images: 4)
        var choices = [EdgeChoice](repeating: .mixed, count: sample.net.edges)
        choices[0] = .single(0)
        func loss(_ draws: NoiseDraws) -> Double {
            sample.net.noise = draws
            return sample.net.evaluate(images: sample.images, labels: sample.labels, choices: choices).loss
        }
        let draws = NoiseDraws(seed: 1, context: 2, firstImage: 3)
        let first = loss(draws)
        for other in [
            NoiseDraws(seed: 2, context: 2, firstImage: 3), NoiseDraws(seed: 1, context: 3, firstImage: 3),
            NoiseDraws(seed: 1, context: 2, firstImage: 4),
        ] {
            #expect(loss(other) != first)
        }
        #expect(loss(draws) == first)
        // An edge that is noise alone does not see the images, but the network does.
        let all = [EdgeChoice](repeating: .single(0), count: sample.net.edges)
        let seen = sample.net.evaluate(images: sample.images, labels: sample.labels, choices: all).loss
        let others = sample.net.evaluate(images: sample.images.reversed(), labels: sample.labels, choices: all).loss
        #expect(seen == others && seen.isFinite)
    }

    @Test("a definition that is impossible is refused, also where it comes with a configuration")
    func impossibleDefinitions() {
        let edges = SpaceDefinition.Edge.self
        let sound = [
            edges.init(node: 2, source: 0, operations: ["skip_connect"]),
            edges.init(node: 2, source: 1, operations: ["none", "noise"]),
        ]
        let changes: [(String, (inout SpaceDefinition) -> Void)] = [
            ("small letters", { $0.name = "a/b" }), ("small letters", { $0.name = "" }),
            ("3 to 1000", { $0.cells = 2 }), ("1 to 16", { $0.stemMultiplier = 0 }),
            ("cannot keep 0", { $0.keptInputs = 0 }), ("unknown operation 'x'", { $0.excluded = ["x"] }),
            ("no edge 6<-0", { $0.normal[0].node = 6 }), ("no edge 2<-2", { $0.normal[0].source = 2 }),
            ("twice", { $0.reduce[0].source = 1 }), ("unknown operation", { $0.reduce[0].operations = ["conv"] }),
            ("may be chosen", { $0.normal[0].operations = ["none"] }),
            ("may be chosen", { $0.normal[0].operations = [] }),
            ("an operation is there twice", { $0.normal[1].operations = ["noise", "noise"] }),
            ("every node", { $0.normal[0].node = 4 }), ("both inputs", { $0.normal.removeLast() }),
            ("cannot be that", { $0.name = "other" }),
        ]
        for (fragment, change) in changes {
            var definition = SpaceDefinition(name: "own", normal: sound, reduce: sound)
            change(&definition)
            let shape = SupernetShape(
                space: fragment == "cannot be that" ? "own" : definition.name, definition: definition, channels: 2,
                cells: 3, classes: 4, inputChannels: 1, imageSize: 8)
            let error = #expect(throws: SupernetError.self) { try Supernet(shape: shape, shardImages: 1) }
            #expect(error?.description.contains(fragment) == true, "\(String(describing: error))")
        }
    }

    @Test("nothing takes heap memory once it has run", .enabled(if: thread_allocations() >= 0))
    func noAllocation() throws {
        let sample = try Sample(channels: 8, cells: 1)
        var gradient = [Float](repeating: 0, count: sample.net.parameters.count)
        let mixed = [EdgeChoice](repeating: .mixed, count: 6)
        var single = mixed
        for operation in 0..<5 { single[operation] = .single(operation) }
        sample.images.withUnsafeBufferPointer { images in
            gradient.withUnsafeMutableBufferPointer { gradient in
                let (x, target) = (images.baseAddress!, gradient.baseAddress!)
                let parts: [(String, () -> Void)] = [
                    ("new weights", { sample.net.load(weights: sample.weights) }),
                    ("new alphas", { sample.net.load(alphas: sample.alphas) }),
                    (
                        "weights",
                        {
                            _ = sample.net.gradient(of: .weights, images: x, labels: sample.labels, into: target) { _ in
                            }
                        }
                    ),
                    (
                        "alphas",
                        {
                            _ = sample.net.gradient(of: .alphas, images: x, labels: sample.labels, into: target) { _ in
                            }
                        }
                    ),
                    ("evaluation", { _ = sample.net.evaluate(images: x, labels: sample.labels, choices: mixed) }),
                    ("decided edges", { _ = sample.net.evaluate(images: x, labels: sample.labels, choices: single) }),
                ]
                for (name, part) in parts {
                    part()
                    let before = thread_allocations()
                    part()
                    let count = thread_allocations() - before
                    #expect(count == 0, "\(name): \(count) allocations")
                }
            }
        }
        let before = thread_allocations()
        withExtendedLifetime([UInt8](repeating: 1, count: 100_000 + gradient.count)) {}
        #expect(thread_allocations() > before, "allocations are counted")
    }

    @Test("impossible shapes are refused with what is allowed")
    func refusals() {
        func error(_ change: (inout SupernetShape) -> Void) -> String? {
            var shape = SupernetShape(
                space: "nasbench201", channels: 4, cells: 1, classes: 10, inputChannels: 3, imageSize: 32)
            change(&shape)
            do throws(SupernetError) { _ = try Supernet(shape: shape, shardImages: 2) } catch {
                return error.description
            }
            return nil
        }
        #expect(error { $0.space = "nasbench301" }?.contains("nasbench201") == true)
        #expect(error { $0.imageSize = 30 }?.contains("multiple of 4") == true)
        #expect(error { $0.channels = 0 }?.contains("channels: 0") == true)
        #expect(error { $0.cells = -1 }?.contains("cells: -1") == true)
        #expect(error { _ in } == nil)
        #expect(error { ($0.space, $0.cells) = ("darts", 2) }?.contains("fewer than 3") == true)
        #expect(error { ($0.space, $0.cells, $0.imageSize) = ("darts", 3, 30) }?.contains("multiple of 4") == true)
        #expect(error { ($0.space, $0.cells) = ("darts", 3) } == nil)
    }
}
