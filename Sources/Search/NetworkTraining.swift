import Supernet

/// The training of one network of chosen cells from scratch, in place of a search: all images train its weights, there are
/// no alphas, and nothing is selected.
public struct NetworkTraining: Codable, Sendable, Hashable {
    /// The cells, as `Genotype.description` writes them.
    public var genotype: String
    /// What the auxiliary head's loss is multiplied with; 0 for a network without one.
    public var auxiliaryWeight = 0.0
    /// The chance that an edge's value is dropped, which rises in proportion to the epoch from 0 towards this.
    public var dropPath = 0.0
    /// Pixels a side of the square that is blanked out in each training image; 0 for none.
    public var cutout = 0

    /// Of these cells, with nothing else.
    public init(genotype: String) {
        self.genotype = genotype
    }
}

extension SearchConfiguration {
    /// The cells of the network that is trained; nil for a search.
    ///
    /// - Throws: `SearchError.configuration` when their text is no genotype of the space.
    public func genotype() throws(SearchError) -> Genotype? {
        guard let network else { return nil }
        do {
            return try Genotype(parsing: network.genotype, among: [try supernet.searchSpace])
        } catch let error as SearchError {
            throw error
        } catch {
            throw .configuration("\(error)")
        }
    }

    /// - Throws: `SearchError.configuration` for what is impossible in the training of a network.
    func validateNetwork() throws(SearchError) {
        guard let network else { return }
        guard network.auxiliaryWeight >= 0, network.auxiliaryWeight.isFinite else {
            throw .configuration(
                "the auxiliary head's weight is \(network.auxiliaryWeight); it has to be finite and not negative")
        }
        guard (0..<1).contains(network.dropPath) else {
            throw .configuration(
                "the chance to drop a path is \(network.dropPath); it has to be at least 0 and below 1")
        }
        guard (0...supernet.imageSize).contains(network.cutout) else {
            throw .configuration(
                "a cutout of \(network.cutout) pixels is impossible; 0 to \(supernet.imageSize) are allowed")
        }
        // Whatever makes no network is found where one is made.
        let needed = network.auxiliaryWeight > 0 ? 2 : 1
        _ = try Trainee(self, shardImages: min(shardImages, needed))
    }
}
