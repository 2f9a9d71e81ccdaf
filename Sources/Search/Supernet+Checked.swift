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

extension SupernetShape {
    /// The search space that the shape names or defines.
    var searchSpace: SearchSpace {
        get throws(SearchError) {
            do {
                return try SearchSpace.of(self)
            } catch {
                throw .configuration(error.description)
            }
        }
    }
}
