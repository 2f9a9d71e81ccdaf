import Kernels

/// Scratch for tensors of one shape, shared by all cells that have nodes of it.
final class ShapeScratch {
    /// The widest zero padding that an operation needs: a 5×5 kernel dilated by 2.
    static let padding = 4

    /// One image each. `depthwise`: what lies between a depthwise and a pointwise convolution; `gradient`: of a
    /// pointwise convolution's output; both padded ones: input and output gradient of a depthwise convolution.
    let depthwise: BlockedTensor
    let gradient: BlockedTensor
    let paddedInput: BlockedTensor
    let paddedGradient: BlockedTensor
    /// Gradients of up to four nodes, and of the two inputs.
    let nodes: [BlockedTensor]
    /// What operations on this shape fetch while they compute.
    let ahead: Prefetch
    /// For sums over nodes of this shape.
    let pool: AveragePool3
    /// Ones, a coefficient for each channel.
    let ones: UnsafePointer<Float>
    /// Channels, filled up to whole blocks.
    let padded: Int
    /// What operations lend to evaluations, which need no output for long: few tensors, which stay in the caches.
    private var lentTensors: [BlockedTensor] = []
    private var innerTensors: [BlockedTensor] = []
    private let makeActivation: () -> BlockedTensor
    private let sums: UnsafeMutablePointer<Double>
    private let scalars: UnsafeMutablePointer<Float>

    init(images: Int, channels: Int, size: Int, arena: Arena) {
        func tensor(_ images: Int, padding: Int = 0) -> BlockedTensor {
            arena.tensor(images: images, channels: channels, height: size, width: size, padding: padding)
        }
        depthwise = tensor(1)
        ahead = Prefetch(arena: arena)
        gradient = tensor(1)
        paddedInput = tensor(1, padding: ShapeScratch.padding)
        paddedGradient = tensor(1, padding: ShapeScratch.padding)
        func activation() -> BlockedTensor {
            arena.tensor(
                images: images, channels: channels, height: size, width: size, during: ShapeScratch.always)
        }
        makeActivation = activation
        nodes = (0..<6).map { _ in activation() }
        pool = AveragePool3(height: size, width: size, arena: arena)
        padded = (channels + 7) / 8 * 8
        let ones = arena.floats(padded)
        ones.update(repeating: 1, count: padded)
        self.ones = UnsafePointer(ones)
        sums = arena.doubles(ShapeScratch.sumRows * padded)
        scalars = arena.floats(ShapeScratch.slots * padded)
    }

    /// The tensor of this number, all images; made at its first use.
    func lent(_ number: Int) -> BlockedTensor { tensor(number, of: &lentTensors) }

    /// Gradient between the halves of an edge's separable convolution of this number, all images; made at its first use.
    func inner(_ number: Int) -> BlockedTensor { tensor(number, of: &innerTensors) }

    private func tensor(_ number: Int, of tensors: inout [BlockedTensor]) -> BlockedTensor {
        while tensors.count <= number { tensors.append(makeActivation()) }
        return tensors[number]
    }

    private static let slots = 16

    /// A gradient and up to nine sources.
    private static let sumRows = 10
    /// The ticks of an activation that no other shares memory with.
    static let always = 0...1_000_000

    /// (10, blocks × 8), set to zero.
    func clearedSums() -> UnsafeMutablePointer<Double> {
        sums.update(repeating: 0, count: ShapeScratch.sumRows * padded)
        return sums
    }

    /// Room for a coefficient of every channel; slots 0 ..< 16.
    func coefficients(_ slot: Int) -> UnsafeMutablePointer<Float> { scalars + slot * padded }

    /// The same coefficient for every channel.
    func scalar(_ value: Double, slot: Int) -> UnsafePointer<Float> {
        coefficients(slot).update(repeating: Float(value), count: padded)
        return UnsafePointer(coefficients(slot))
    }
}

/// All scratch of a network, by shape, and its kind of norms.
final class ScratchStore {
    private struct Shape: Hashable {
        let channels: Int
        let size: Int
    }

    private let images: Int
    private let arena: Arena
    private let running: RunningStatistics?
    private var scratches: [Shape: ShapeScratch] = [:]

    /// - Parameter running: of a final network, whose norms are affine; nil for a supernet.
    init(images: Int, arena: Arena, running: RunningStatistics? = nil) {
        self.images = images
        self.arena = arena
        self.running = running
    }

    /// The norm at the end of an operation; `name` and `parameters` are for affine ones.
    func norm(
        channels: Int, count: Int, named name: String, in parameters: inout ParameterDirectory
    ) -> OperationNorm {
        guard let running else { return OperationNorm(channels: channels, count: count, arena: arena) }
        return OperationNorm(
            channels: channels, count: count, named: name, in: &parameters, running: running, arena: arena)
    }

    func scratch(channels: Int, size: Int) -> ShapeScratch {
        let shape = Shape(channels: channels, size: size)
        if let found = scratches[shape] { return found }
        let made = ShapeScratch(images: images, channels: channels, size: size, arena: arena)
        scratches[shape] = made
        return made
    }
}
