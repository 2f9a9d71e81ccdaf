import Kernels

/// When each layer of a network runs, in ticks: the forward pass of a training step, its backward pass, and after both
/// the forward pass of an evaluation. An evaluation never runs inside a training step, so it takes the step's memory.
struct PassClock {
    /// Ticks of a layer: what it computes early may be gone before it ends.
    static let steps = 4
    let layers: Int

    func forward(_ layer: Int, step: Int = 0) -> Int { layer * Self.steps + step }

    func backward(_ layer: Int) -> ClosedRange<Int> {
        let first = forward(2 * layers - 1 - layer)
        return first...first + Self.steps - 1
    }

    func evaluation(_ layer: Int, step: Int = 0) -> Int { forward(2 * layers + layer, step: step) }
}

/// What a layer hands to the next one.
struct Signal {
    /// The output in a training step: kept for the backward pass.
    let training: BlockedTensor
    /// The output in an evaluation: gone after the next layer.
    let evaluation: BlockedTensor
    /// Gradient of `training`: written by the next layer's backward pass.
    let gradient: BlockedTensor

    var images: Int { training.images }
    var channels: Int { training.channels }
    var height: Int { training.height }
    var width: Int { training.width }
    var pixels: Int { training.pixels }

    subscript(pass: ForwardPass) -> BlockedTensor { pass == .training ? training : evaluation }
}

/// What a layer computes for itself.
struct Intermediate {
    /// Kept for the backward pass.
    let training: BlockedTensor
    let evaluation: BlockedTensor

    subscript(pass: ForwardPass) -> BlockedTensor { pass == .training ? training : evaluation }
}

/// What a forward pass is for.
enum ForwardPass {
    /// A backward pass follows, which needs what was computed on the way.
    case training
    case evaluation
}

/// Gives a layer the tensors that hold something during a part of a pass.
struct LayerMemory {
    let arena: Arena
    let clock: PassClock
    /// The layer's place in the network.
    let layer: Int

    /// Images, channels, and pixels a side of a tensor.
    struct Shape {
        let images: Int
        let channels: Int
        let size: Int
    }

    private var last: Int { PassClock.steps - 1 }

    /// The layer's output, which it computes in its last step.
    func output(_ shape: Shape) -> Signal {
        let next = clock.backward(layer + 1).lowerBound
        return Signal(
            training: training(shape, from: last),
            evaluation: tensor(
                shape, clock.evaluation(layer, step: last)...clock.evaluation(layer + 1, step: last)),
            gradient: tensor(shape, next...clock.backward(layer).upperBound))
    }

    /// Computed in the first and last read in the last of `steps`, or in the layer's backward pass.
    func intermediate(_ shape: Shape, _ steps: ClosedRange<Int>) -> Intermediate {
        Intermediate(
            training: training(shape, from: steps.lowerBound),
            evaluation: tensor(
                shape,
                clock.evaluation(layer, step: steps.lowerBound)...clock.evaluation(layer, step: steps.upperBound)))
    }

    private func training(_ shape: Shape, from step: Int) -> BlockedTensor {
        tensor(shape, clock.forward(layer, step: step)...clock.backward(layer).upperBound)
    }

    /// During the layer's backward pass.
    func backward(_ shape: Shape) -> BlockedTensor { tensor(shape, clock.backward(layer)) }

    private func tensor(_ shape: Shape, _ ticks: ClosedRange<Int>) -> BlockedTensor {
        arena.tensor(
            images: shape.images, channels: shape.channels, height: shape.size, width: shape.size, during: ticks)
    }
}
