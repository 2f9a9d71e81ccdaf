import Supernet

/// Everything that training changes.
public struct TrainingState: Sendable, Equatable {
    public var appliedHalfSteps: Int
    /// In the order of `SupernetShape`'s parameter directory, as are the momenta.
    public var weights: [Float]
    public var momentum: [Float]
    /// (edges, operations), as are Adam's moments.
    public var alphas: [Float]
    public var adamFirst: [Float]
    public var adamSecond: [Float]

    /// appliedHalfSteps (UInt64), then weights, momentum, alphas, first and second moment (Float32), little-endian.
    public func encoded() -> [UInt8] { fatalError() }

    /// - Throws: when the number of bytes is not that of the shape.
    public init(decoding bytes: [UInt8], shape: SupernetShape) throws(SearchError) { fatalError() }
}
