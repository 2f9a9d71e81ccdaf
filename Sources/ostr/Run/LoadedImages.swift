import Datasets

/// The images of a run, and the limit that loads the same ones again.
struct LoadedImages {
    let dataset: ImageDataset
    /// nil: all there are.
    let limit: Int?

    /// - Parameters:
    ///   - limit: as asked for; more than there are is an error.
    ///   - presetLimit: what a preset uses at most, when nothing was asked for.
    init(_ kind: DatasetKind, folder: String, limit: Int?, presetLimit: Int?) throws(DatasetError) {
        do {
            dataset = try ImageDataset.load(kind: kind, folder: folder, split: .training, limit: limit ?? presetLimit)
        } catch {
            guard limit == nil, presetLimit != nil, case .tooFew = error else { throw error }
            dataset = try ImageDataset.load(kind: kind, folder: folder, split: .training, limit: nil)
            self.limit = nil
            return
        }
        self.limit = limit ?? presetLimit
    }
}
