import Kernels

/// How 3×3 convolutions with stride 1 are computed. All other convolutions are summed directly.
public enum ConvolutionAlgorithm: String, Codable, Sendable, CaseIterable {
    /// By direct summation.
    case direct
    /// By Winograd's F(4×4, 3×3) wherever the plane divides into tiles of 4×4.
    case winograd
    /// By Winograd where that is the faster of the two: a table by shape, never a timing.
    case auto

    /// Below so many input or output channels the transforms cost more than the products save.
    private static let fewestChannels = 8

    func usesWinograd(_ convolution: Convolution, height: Int, width: Int) -> Bool {
        guard convolution.kernel == 3, convolution.stride == 1,
            WinogradConvolution.fits(height: height, width: width)
        else { return false }
        switch self {
        case .direct: return false
        case .winograd: return true
        case .auto: return min(convolution.inputChannels, convolution.outputChannels) >= Self.fewestChannels
        }
    }
}
