import Supernet

extension Supernet {
    /// A supernet, with an impossible shape as an error of the search's configuration.
    static func checked(
        shape: SupernetShape, shardImages: Int, convolution: ConvolutionAlgorithm = .auto
    ) throws(SearchError) -> Supernet {
        do {
            return try Supernet(shape: shape, shardImages: shardImages, convolution: convolution)
        } catch {
            throw .configuration(error.description)
        }
    }
}
