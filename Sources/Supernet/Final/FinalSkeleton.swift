import Kernels

/// What surrounds the cells of a final network. Owned and called by one thread.
protocol FinalSkeleton: AnyObject {
    /// Trained parameters.
    var parameters: ParameterDirectory { get }
    var running: RunningStatistics { get }
    /// The classifier's part in the parameters, which come last.
    var headRange: Range<Int> { get }
    var auxiliary: AuxiliaryHead? { get }
    var bytes: Int { get }
    /// (images, classes), of the last forward pass.
    var logits: UnsafeMutablePointer<Float> { get }
    /// Of the forward pass of one image, without the auxiliary head.
    var multiplyAdds: Int { get }

    func load(weights: UnsafePointer<Float>)
    func draw(_ drop: DropPath?, _ indices: [Int])
    /// All but the auxiliary head.
    func forward(
        images: UnsafePointer<Float>, labels: UnsafePointer<UInt8>, wantsGradient: Bool
    ) -> (loss: Double, correct: Int)
    /// The classifier's part of the backward pass, ...
    func backwardHead(_ weightsGradient: UnsafeMutablePointer<Float>)
    /// ... then that of cells and stem, with `ready` called for falling ranges.
    func backwardCells(_ weightsGradient: UnsafeMutablePointer<Float>, ready: (Range<Int>) -> Void)
}
