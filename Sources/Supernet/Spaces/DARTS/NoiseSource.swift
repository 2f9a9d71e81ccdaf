import Kernels

/// What the draws of the operation `noise` depend on, beside the edge and the pixel.
public struct NoiseDraws: Sendable, Hashable {
    /// The run's.
    public var seed: UInt64
    /// One number for each half-step; 0 in evaluations.
    public var context: Int
    /// The number, in its batch or among the held-out images, of the first image of a pass.
    public var firstImage: Int

    /// All fields.
    public init(seed: UInt64 = 0, context: Int = 0, firstImage: Int = 0) {
        self.seed = seed
        self.context = context
        self.firstImage = firstImage
    }
}

/// Gives the edges of a network their noise: independent standard normal values.
final class NoiseSource {
    var draws = NoiseDraws()
    /// Edges that have asked for a number.
    private var edges = 0

    func nextEdge() -> Int {
        defer { edges += 1 }
        return edges
    }

    /// Fills all images of a tensor.
    func fill(_ target: BlockedTensor, edge: Int) {
        for image in 0..<target.images {
            let stream = (draws.firstImage + image) * edges + edge
            target.fillNormal(
                image: image, Philox(seed: draws.seed, purpose: .noise, context: draws.context, stream: stream))
        }
    }
}
